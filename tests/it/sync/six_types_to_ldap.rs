//! All six types to another LDAP directory: from a real slapd and a real Samba domain controller to a slapd, and what
//! ldapsearch shows there.

use super::company::Company;
use super::to_ldap::Rig;
use crate::support::process::wait_until;
use crate::support::slapd::BASE;

const AOKI: &str = "CN=aoki,OU=営業,OU=Staff";
const CHIBA: &str = "CN=chiba,OU=開発,OU=Staff";
const BILLING: &str = "CN=課金,OU=管理者の役割,OU=Office365,OU=Roles,OU=Groups";
const INNER: &str = "CN=inner,OU=Organizations,OU=Groups";
const VPN: &str = "CN=vpn,OU=Security,OU=Groups";
const NOBODY: &str = "cn=nobody,dc=example,dc=test";

struct World {
    company: Company,
    rig: Rig,
}

impl World {
    fn new(mut company: Company) -> Self {
        let units = [
            "OU=Staff",
            "OU=営業,OU=Staff",
            "OU=開発,OU=Staff",
            "OU=Groups",
            "OU=Roles,OU=Groups",
            "OU=Office365,OU=Roles,OU=Groups",
            "OU=管理者の役割,OU=Office365,OU=Roles,OU=Groups",
            "OU=Organizations,OU=Groups",
            "OU=Security,OU=Groups",
        ];
        for unit in units {
            company.unit(unit);
        }
        for person in [AOKI, CHIBA] {
            company.person(person, "");
        }
        for contact in ["CN=guest,OU=Staff", "CN=visitor,OU=Staff"] {
            company.contact(contact);
        }
        company.group(INNER, &[CHIBA]);
        company.group("CN=outer,OU=Organizations,OU=Groups", &[AOKI, INNER]);
        company.group("CN=other,OU=Organizations,OU=Groups", &[INNER]);
        company.group(VPN, &[AOKI]);
        company.group(BILLING, &[CHIBA]);
        let keys = format!(
            "{}objects = [\"organization\", \"user\", \"group\", \"security-group\", \"contact\", \"role\"]\n\
             map = [{{ object = \"user\", path = \"@parent\", source = \"@parent\" }}]\n\
             conventions = {{ nesting = \"keep\" }}\n",
            company.keys()
        );
        let rig = Rig::new(&company.directory(), &keys);
        Self { company, rig }
    }

    fn run(&self) -> String {
        self.rig.carried(&["run", "idp"])
    }

    /// Where somebody stands in the tree that is carried.
    fn person(&self, name: &str, units: &str) -> String {
        format!("uid={},{units},ou={},ou=people,ou=target", self.company.login(name), self.company.name)
    }

    /// What the target calls the members.
    fn members(&self, place: &str) -> Vec<String> {
        self.texts(place, "member")
    }

    fn texts(&self, place: &str, attribute: &str) -> Vec<String> {
        let lines = self.rig.target.lines(&format!("{place},{BASE}")).unwrap();
        let values = lines.iter().filter_map(|line| line.strip_prefix(attribute)?.strip_prefix(':'));
        let text = |value: &str| match value.strip_prefix(": ") {
            Some(octets) => {
                String::from_utf8(data_encoding::BASE64.decode(octets.as_bytes()).unwrap()).unwrap()
            }
            None => value.trim_start().to_owned(),
        };
        values.map(text).collect()
    }
}

fn list(name: &str) -> String {
    format!("cn={name},ou=lists,ou=target")
}

async fn everything_that_happens(company: Company) {
    let mut world = World::new(company);
    let out = world.run();
    let (aoki, chiba) = (world.person("aoki", "ou=営業,ou=Staff"), world.person("chiba", "ou=開発,ou=Staff"));
    let (guest, vpn, billing) =
        ("cn=guest,ou=contacts,ou=target", "cn=vpn,ou=security,ou=target", "cn=課金,ou=roles,ou=target");
    assert!(world.rig.is_there(&aoki) && world.rig.is_there(&chiba), "{out}");
    assert_eq!(world.rig.values(guest, "mail"), ["guest@example.org"]);
    assert_eq!(world.texts(billing, "description"), ["Office365/管理者の役割/課金"]);
    // Two groups hold it, and it is in one: that with the smallest id.
    let mut parents = ["outer", "other"]
        .map(|name| (world.company.id(&format!("CN={name},OU=Organizations,OU=Groups")), name));
    parents.sort();
    let [(_, first), (_, second)] = parents;
    assert!(out.contains("is in several groups: it lands under"), "{out}");
    let holds_inner =
        |world: &World, name: &str| world.members(&list(name)).contains(&format!("{},{BASE}", list("inner")));
    assert!(holds_inner(&world, first) && !holds_inner(&world, second));
    let counted =
        |world: &World, place: &str| world.members(place).iter().filter(|dn| **dn != NOBODY).count();
    assert_eq!((counted(&world, vpn), counted(&world, billing), counted(&world, &list("inner"))), (1, 1, 1));
    let all = [&aoki, &chiba, guest, vpn, billing, &list("inner"), &list("outer"), &list("other")];
    world.rig.settled(&all);

    // One value of one person.
    world.company.set(AOKI, "givenName", "花子");
    world.run();
    assert_eq!(world.texts(&aoki, "givenName"), ["花子"]);
    // Another name, and another unit, which has another name too.
    let id = world.rig.id(&chiba);
    world.company.rename(CHIBA, "CN=chida,OU=営業,OU=Staff");
    world.company.rename("OU=営業,OU=Staff", "OU=営業部,OU=Staff");
    world.run();
    let chiba = world.person("chiba", "ou=営業部,ou=Staff");
    assert_eq!((world.rig.id(&chiba), world.rig.values(&chiba, "cn")), (id, vec!["chida".to_owned()]));
    let aoki = world.person("aoki", "ou=営業部,ou=Staff");
    let (aoki_place, chida_place) = ("CN=aoki,OU=営業部,OU=Staff", "CN=chida,OU=営業部,OU=Staff");
    wait_until("the new name in the group", || counted(&world, &list("inner")) == 1).await;

    for (disabled, lock) in [(true, vec!["000001010000Z".to_owned()]), (false, vec![])] {
        world.company.disable(aoki_place, disabled);
        world.run();
        assert_eq!(world.rig.values(&aoki, "pwdAccountLockedTime"), lock);
    }

    // In and out: of a group, a security group, a role; and out of the one parent of two.
    world.company.join(INNER, aoki_place);
    world.company.join(VPN, chida_place);
    world.company.join(BILLING, aoki_place);
    world.company.leave(&format!("CN={first},OU=Organizations,OU=Groups"), INNER);
    world.run();
    assert_eq!((counted(&world, vpn), counted(&world, billing), counted(&world, &list("inner"))), (2, 2, 2));
    assert!(!holds_inner(&world, first) && holds_inner(&world, second));
    world.company.leave(INNER, chida_place);
    world.company.leave(VPN, aoki_place);
    world.company.leave(BILLING, chida_place);
    world.company.leave(BILLING, aoki_place);
    world.run();
    assert_eq!((counted(&world, vpn), counted(&world, billing), counted(&world, &list("inner"))), (1, 0, 1));
    world.rig.settled(&[&aoki, &chiba, guest, vpn, billing, &list("inner")]);

    let gone = ["CN=guest,OU=Staff", chida_place, "CN=other,OU=Organizations,OU=Groups", "OU=開発,OU=Staff"];
    for place in gone {
        world.company.delete(place);
    }
    let out = world.run();
    let unit = |name: &str| format!("ou={name},ou=Staff,ou={},ou=people,ou=target", world.company.name);
    let places = [guest.to_owned(), chiba, list("other"), unit("開発")];
    assert_eq!(places.map(|place| world.rig.is_there(&place)), [false; 4], "{out}");
    let places = ["cn=visitor,ou=contacts,ou=target".to_owned(), aoki, list("outer"), unit("営業部")];
    assert_eq!(places.map(|place| world.rig.is_there(&place)), [true; 4], "{out}");
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_of_openldap_reaches_another_directory() {
    everything_that_happens(Company::in_openldap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_of_active_directory_reaches_another_directory() {
    let Some(company) = Company::in_active_directory("six-ldap") else { return };
    everything_that_happens(company).await;
}
