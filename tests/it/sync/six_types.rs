//! All six types with the preset `secioss`: from a real slapd and a real Samba domain controller to real SCIM services that
//! have resource types for them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::company::Company;
use super::rig::{Rig, members};
use crate::support::scim::ScimServer;

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const OWN_USER: &str = "urn:ietf:params:scim:schemas:extension:sekisho:2.0:User";
const OWN_GROUP: &str = "urn:ietf:params:scim:schemas:extension:sekisho:2.0:Group";

const ROLES: &str = "OU=Office365,OU=Roles,OU=Groups";
const BILLING: &str = "CN=課金,OU=管理者の役割,OU=Office365,OU=Roles,OU=Groups";
const LICENCE: &str = "CN=E3,OU=プラン,OU=Office365,OU=Roles,OU=Groups";
const INNER: &str = "CN=inner,OU=Organizations,OU=Groups";
const VPN: &str = "CN=vpn,OU=Security,OU=Groups";

/// Objects of an endpoint by their names.
type Dump = BTreeMap<String, Value>;

/// Everything that the service has.
struct Held {
    organizations: Dump,
    users: Dump,
    contacts: Dump,
    groups: Dump,
    security: Dump,
    roles: Dump,
}

struct World {
    company: Company,
    rig: Rig,
}

impl World {
    async fn new(mut company: Company, service: ScimServer) -> Self {
        fill(&mut company);
        let keys = format!("{}preset = \"secioss\"\ndelete_after = \"0\"\n", company.keys());
        let rig = Rig::new(service, &company.directory(), &keys).await;
        Self { company, rig }
    }

    async fn held(&self) -> Held {
        Held {
            organizations: self.rig.dump("Organizations", "displayName").await,
            users: self.rig.users().await,
            contacts: self.rig.dump("Contacts", "displayName").await,
            groups: self.rig.groups().await,
            security: self.rig.dump("SecurityGroups", "displayName").await,
            roles: self.rig.dump("Roles", "displayName").await,
        }
    }

    /// What a run of changes writes: how many requests of which kind to which endpoint.
    fn written(&self) -> BTreeMap<String, usize> {
        self.rig.proxy.take_log();
        let run = self.rig.sync(&["run", "idp"]);
        assert_eq!(run.code, 0, "{}\n{}", run.out, run.err);
        let writes = self.rig.writes();
        let mut counted = BTreeMap::new();
        for line in writes {
            let kind = line.split('/').take(2).collect::<Vec<_>>().join("/");
            *counted.entry(kind).or_default() += 1;
        }
        counted
    }

    /// Nothing is left that a look at everything would find.
    fn settled(&self) {
        let whole = self.rig.sync(&["check", "idp", "--full"]);
        assert!(whole.code == 0 && !whole.out.contains("would be done"), "{}\n{}", whole.out, whole.err);
    }

    fn carry(&mut self, types: &[&str]) {
        let own = self.rig.folder.config.get_mut("sync").and_then(|all| all.get_mut(0)).unwrap();
        let types: Vec<toml::Value> = types.iter().map(|&kind| kind.into()).collect();
        own.as_table_mut().unwrap().insert("objects".to_owned(), types.into());
        self.rig.folder.write_config();
    }

    fn login(&self, name: &str) -> String {
        self.company.login(name)
    }
}

fn counts<const N: usize>(counts: [(&str, usize); N]) -> BTreeMap<String, usize> {
    counts.into_iter().map(|(kind, count)| (kind.to_owned(), count)).collect()
}

fn names(dump: &Dump) -> Vec<&str> {
    dump.keys().map(String::as_str).collect()
}

fn fill(company: &mut Company) {
    let units = [
        "OU=Staff",
        "OU=営業,OU=Staff",
        "OU=開発,OU=Staff",
        "OU=Groups",
        "OU=Roles,OU=Groups",
        ROLES,
        "OU=管理者の役割,OU=Office365,OU=Roles,OU=Groups",
        "OU=プラン,OU=Office365,OU=Roles,OU=Groups",
        "OU=Services,OU=Groups",
        "OU=Organizations,OU=Groups",
        "OU=Security,OU=Groups",
    ];
    for unit in units {
        company.unit(unit);
    }
    let (aoki, baba, chiba) =
        ("CN=aoki,OU=営業,OU=Staff", "CN=baba,OU=営業,OU=Staff", "CN=chiba,OU=開発,OU=Staff");
    for person in [aoki, baba, chiba] {
        company.person(person, "");
    }
    for contact in ["CN=guest,OU=営業,OU=Staff", "CN=visitor,OU=営業,OU=Staff"] {
        company.contact(contact);
    }
    company.group("CN=admin,OU=Roles,OU=Groups", &[baba]);
    company.group(BILLING, &[chiba]);
    company.group(LICENCE, &[aoki]);
    company.group("CN=salesforce,OU=Services,OU=Groups", &[aoki]);
    company.group(INNER, &[chiba]);
    company.group("CN=outer,OU=Organizations,OU=Groups", &[aoki, INNER]);
    company.group("CN=other,OU=Organizations,OU=Groups", &[INNER]);
    company.group("CN=root,OU=Security,OU=Groups", &[baba]);
    company.group(VPN, &[aoki, "CN=root,OU=Security,OU=Groups"]);
}

async fn everything_that_happens(company: Company, service: ScimServer) {
    let mut world = World::new(company, service).await;
    first_run(&world).await;
    for arguments in [&["run", "idp"][..], &["run", "idp", "--full"], &["check", "idp", "--full"]] {
        let run = world.rig.sync(arguments);
        assert_eq!((run.code, world.rig.writes()), (0, vec![]), "{arguments:?}: nothing has changed");
    }
    units(&mut world).await;
    world.settled();
    parents(&mut world).await;
    world.settled();
    contacts(&mut world).await;
    world.settled();
    roles(&mut world).await;
    world.settled();
    security_and_services(&mut world).await;
    world.settled();
    disabled(&world).await;
    world.settled();
    deleted(&mut world).await;
}

async fn first_run(world: &World) {
    let (out, writes) = world.rig.carried(&["run", "idp"]);
    let company = &world.company;
    for kind in ["Organization", "User", "Group", "SecurityGroup", "Role"] {
        assert!(out.contains(&format!("Data=IDP Object={kind} Total=")), "{kind}\n{out}");
    }
    assert!(!writes.iter().any(|line| line.contains("Contacts")), "off until they are asked for");
    let held = world.held().await;
    assert_eq!(names(&held.organizations), ["Staff", company.name, "営業", "開発"], "{out}");
    let unit = |name: &str| held.organizations[name].clone();
    let external =
        |object: &Value, place: &str| assert_eq!(object["externalId"], company.id(place), "{place}");
    external(&unit("営業"), "OU=営業,OU=Staff");
    assert_eq!(unit("営業")["parent"]["value"], unit("Staff")["id"]);
    assert_eq!(unit("Staff")["parent"]["value"], unit(company.name)["id"]);
    assert_eq!(unit(company.name)["parent"], Value::Null);

    let (aoki, baba, chiba) = (world.login("aoki"), world.login("baba"), world.login("chiba"));
    assert_eq!(names(&held.users), [&aoki, &baba, &chiba]);
    external(&held.users[&aoki], "CN=aoki,OU=営業,OU=Staff");
    stands_in(&held, &aoki, "営業");
    stands_in(&held, &chiba, "開発");
    assert_eq!(role_values(&held, &aoki), ["Office365/プラン/E3"]);
    assert_eq!(role_values(&held, &baba), ["admin"]);
    assert_eq!(role_values(&held, &chiba), ["Office365/管理者の役割/課金"]);
    assert_eq!(held.users[&aoki][OWN_USER]["services"], json!(["salesforce"]));

    assert_eq!(names(&held.groups), ["inner", "other", "outer"]);
    let of = |dump: &Dump, name: &str| members(&dump[name], &held.users, &held.groups);
    assert_eq!(of(&held.groups, "outer"), [aoki.as_str(), chiba.as_str()], "nested");
    assert_eq!(names(&held.security), ["root", "vpn"]);
    assert_eq!(of(&held.security, "vpn"), [aoki.as_str(), baba.as_str()], "nested");
    assert_eq!(held.security["root"]["parent"]["value"], held.security["vpn"]["id"]);
    assert_eq!(names(&held.roles), ["E3", "課金"]);
    assert_eq!(held.roles["課金"]["path"], "Office365/管理者の役割/課金");
    external(&held.roles["課金"], BILLING);
    assert_eq!(of(&held.roles, "課金"), [chiba.as_str()]);
    assert_eq!(names(&held.contacts), [""; 0]);
}

/// In this unit, by its name and by its id.
fn stands_in(held: &Held, login: &str, unit: &str) {
    let user = &held.users[login];
    assert_eq!(user[ENTERPRISE]["organization"], unit, "{user}");
    assert_eq!(user[OWN_USER]["organization"]["value"], held.organizations[unit]["id"], "{user}");
}

fn role_values(held: &Held, login: &str) -> Vec<String> {
    let roles = held.users[login]["roles"].as_array().cloned().unwrap_or_default();
    let mut roles: Vec<String> =
        roles.iter().map(|role| role["value"].as_str().unwrap().to_owned()).collect();
    roles.sort();
    roles
}

/// Another name, another place, another person in it: the objects stay the same ones.
async fn units(world: &mut World) {
    let before = world.held().await;
    world.company.rename("OU=営業,OU=Staff", "OU=営業部,OU=Staff");
    assert_eq!(world.written(), counts([("PATCH /Organizations", 1), ("PATCH /Users", 2)]));
    let held = world.held().await;
    assert_eq!(held.organizations["営業部"]["id"], before.organizations["営業"]["id"]);
    stands_in(&held, &world.login("aoki"), "営業部");

    world.company.rename("OU=開発,OU=Staff", "OU=開発,OU=営業部,OU=Staff");
    assert_eq!(world.written(), counts([("PATCH /Organizations", 1)]));
    let held = world.held().await;
    let moved = &held.organizations["開発"];
    assert_eq!(moved["parent"]["value"], held.organizations["営業部"]["id"]);
    assert_eq!(moved["id"], before.organizations["開発"]["id"]);

    let chiba = world.login("chiba");
    world.company.rename("CN=chiba,OU=開発,OU=営業部,OU=Staff", "CN=chiba,OU=営業部,OU=Staff");
    // The text, and then the reference: the unit may be a new one.
    assert_eq!(world.written(), counts([("PATCH /Users", 2)]));
    let held = world.held().await;
    stands_in(&held, &chiba, "営業部");
    assert_eq!(held.users[&chiba]["id"], before.users[&chiba]["id"]);
    assert_eq!(members(&held.groups["inner"], &held.users, &held.groups), [chiba.as_str()]);

    // To the top: no unit above but the company's own.
    world.company.rename("OU=営業部,OU=Staff", "OU=営業部");
    assert_eq!(world.written(), counts([("PATCH /Organizations", 1)]));
    let held = world.held().await;
    let above = &held.organizations[world.company.name];
    assert_eq!(held.organizations["営業部"]["parent"]["value"], above["id"]);
}

/// Of two groups that hold it the one with the smallest id is the parent, in each run.
async fn parents(world: &mut World) {
    let places = ["outer", "other"].map(|name| format!("CN={name},OU=Organizations,OU=Groups"));
    let mut parents: Vec<_> = places.iter().map(|place| (world.company.id(place), place.clone())).collect();
    parents.sort();
    let [(_, first), (_, second)] = &parents[..] else { panic!("two") };
    let is_under = async |world: &World, place: &str| {
        let held = world.held().await;
        let above =
            held.groups.values().find(|group| group["externalId"] == world.company.id(place)).unwrap();
        assert_eq!(held.groups["inner"][OWN_GROUP]["parent"]["value"], above["id"], "{place}");
    };
    let dn = |place: &str| world.company.dn(place);
    let warning = format!(
        "warning: {} is in several groups: it lands under {}, and not under {}",
        dn(INNER),
        dn(first),
        dn(second)
    );
    let (out, writes) = world.rig.carried(&["run", "idp", "--full"]);
    assert_eq!(writes, [""; 0]);
    assert!(out.to_lowercase().contains(&warning.to_lowercase()), "{warning}\n{out}");
    is_under(world, first).await;

    // It and the people inside leave that one, and come back.
    world.company.leave(first, INNER);
    assert_eq!(world.written(), counts([("PATCH /Groups", 2)]));
    is_under(world, second).await;
    let (out, _) = world.rig.carried(&["run", "idp", "--full"]);
    assert!(!out.contains("in several groups"), "{out}");
    world.company.join(first, INNER);
    assert_eq!(world.written(), counts([("PATCH /Groups", 2)]));
    is_under(world, first).await;
}

/// They come when they are asked for, and nobody touches them when they no longer are.
async fn contacts(world: &mut World) {
    let most = ["organization", "user", "group", "security-group", "role"];
    let all = [&most[..], &["contact"]].concat();
    world.carry(&all);
    assert_eq!(world.written(), counts([("POST /Contacts", 2)]));
    let held = world.held().await;
    let guest = &held.contacts["guest"];
    assert_eq!(guest["externalId"], world.company.id("CN=guest,OU=営業部"));
    assert_eq!(guest["name"]["familyName"], "guest-sn");
    assert_eq!(guest["emails"][0]["value"], "guest@example.org");
    world.company.set("CN=guest,OU=営業部", "telephoneNumber", "03-1");
    assert_eq!(world.written(), counts([("PATCH /Contacts", 1)]));
    world.carry(&most);
    world.company.set("CN=guest,OU=営業部", "telephoneNumber", "03-2");
    assert_eq!(world.written(), counts([]));
    let held = world.held().await;
    assert_eq!(held.contacts["guest"]["phoneNumbers"][0]["value"], "03-1");
    world.carry(&all);
    assert_eq!(world.written(), counts([("PATCH /Contacts", 1)]));
    assert_eq!(world.held().await.contacts["guest"]["phoneNumbers"][0]["value"], "03-2");
}

/// Gained, lost, and called otherwise.
async fn roles(world: &mut World) {
    let (aoki, person) = (world.login("aoki"), "CN=aoki,OU=営業部");
    let both = counts([("PATCH /Roles", 1), ("PATCH /Users", 1)]);
    world.company.join(BILLING, person);
    assert_eq!(world.written(), both);
    let held = world.held().await;
    assert_eq!(role_values(&held, &aoki), ["Office365/プラン/E3", "Office365/管理者の役割/課金"]);
    assert_eq!(members(&held.roles["課金"], &held.users, &held.groups).len(), 2);

    let plan = "OU=プラン,OU=Office365,OU=Roles,OU=Groups";
    world.company.rename(plan, &plan.replace("プラン", "ライセンス"));
    assert_eq!(world.written(), both);
    let held = world.held().await;
    assert_eq!(held.roles["E3"]["path"], "Office365/ライセンス/E3");
    assert_eq!(role_values(&held, &aoki), ["Office365/ライセンス/E3", "Office365/管理者の役割/課金"]);

    world.company.leave(BILLING, person);
    assert_eq!(world.written(), both);
    assert_eq!(role_values(&world.held().await, &aoki), ["Office365/ライセンス/E3"]);
    // The last one.
    world.company.leave(&LICENCE.replace("プラン", "ライセンス"), person);
    assert_eq!(world.written(), both);
    let held = world.held().await;
    assert_eq!(role_values(&held, &aoki), [""; 0]);
    assert_eq!(members(&held.roles["E3"], &held.users, &held.groups), [""; 0]);
}

async fn security_and_services(world: &mut World) {
    let (aoki, baba) = (world.login("aoki"), world.login("baba"));
    world.company.leave("CN=root,OU=Security,OU=Groups", "CN=baba,OU=営業部");
    assert_eq!(world.written(), counts([("PATCH /SecurityGroups", 2)]));
    let held = world.held().await;
    let of = |name: &str| members(&held.security[name], &held.users, &held.groups);
    assert_eq!((of("root"), of("vpn")), (vec![], vec![aoki.clone()]));
    world.company.leave(VPN, "CN=root,OU=Security,OU=Groups");
    assert_eq!(world.written(), counts([("PATCH /SecurityGroups", 1)]));
    assert_eq!(world.held().await.security["root"]["parent"]["value"], Value::Null);
    world.company.rename(VPN, "CN=remote,OU=Security,OU=Groups");
    assert_eq!(world.written(), counts([("PATCH /SecurityGroups", 1)]));
    let renamed = world.held().await;
    assert_eq!(renamed.security["remote"]["id"], held.security["vpn"]["id"]);

    world.company.leave("CN=salesforce,OU=Services,OU=Groups", "CN=aoki,OU=営業部");
    world.company.join("CN=salesforce,OU=Services,OU=Groups", "CN=baba,OU=営業部");
    world.company.leave("CN=admin,OU=Roles,OU=Groups", "CN=baba,OU=営業部");
    assert_eq!(world.written(), counts([("PATCH /Users", 2)]));
    let held = world.held().await;
    assert_eq!(held.users[&aoki][OWN_USER]["services"].as_array().map_or(0, Vec::len), 0);
    assert_eq!(held.users[&baba][OWN_USER]["services"], json!(["salesforce"]));
    assert_eq!(role_values(&held, &baba), [""; 0]);
}

async fn disabled(world: &World) {
    for disabled in [true, false] {
        world.company.disable("CN=baba,OU=営業部", disabled);
        assert_eq!(world.written(), counts([("PATCH /Users", 1)]));
        assert_eq!(world.held().await.users[&world.login("baba")]["active"], !disabled);
    }
}

/// One of each type, and units with children before their parents.
async fn deleted(world: &mut World) {
    world.company.unit("OU=一課,OU=開発,OU=営業部");
    assert_eq!(world.written(), counts([("PATCH /Organizations", 1), ("POST /Organizations", 1)]));
    let before = world.held().await;
    assert_eq!(before.organizations["一課"]["parent"]["value"], before.organizations["開発"]["id"]);
    let gone = [
        "CN=chiba,OU=営業部",
        "CN=guest,OU=営業部",
        "CN=other,OU=Organizations,OU=Groups",
        "CN=root,OU=Security,OU=Groups",
        BILLING,
        "OU=一課,OU=開発,OU=営業部",
        "OU=開発,OU=営業部",
    ];
    for place in gone {
        world.company.delete(place);
    }
    let (out, writes) = world.rig.carried(&["run", "idp"]);
    let deleted: Vec<&str> = writes.iter().filter_map(|line| line.strip_prefix("DELETE /")).collect();
    let at = |dump: &Dump, endpoint: &str, name: &str| {
        let line = format!("{endpoint}/{}", dump[name]["id"].as_str().unwrap());
        deleted
            .iter()
            .position(|deleted| *deleted == line)
            .unwrap_or_else(|| panic!("{line}\n{writes:?}\n{out}"))
    };
    assert_eq!(deleted.len(), gone.len(), "{writes:?}");
    assert!(
        at(&before.organizations, "Organizations", "一課")
            < at(&before.organizations, "Organizations", "開発")
    );
    at(&before.users, "Users", &world.login("chiba"));
    at(&before.contacts, "Contacts", "guest");
    at(&before.security, "SecurityGroups", "root");
    at(&before.roles, "Roles", "課金");
    let held = world.held().await;
    assert_eq!(names(&held.organizations), ["Staff", world.company.name, "営業部"]);
    assert_eq!(names(&held.users), [world.login("aoki"), world.login("baba")]);
    assert_eq!(names(&held.groups), ["inner", "outer"]);
    assert_eq!((names(&held.security), names(&held.roles)), (vec!["remote"], vec!["E3"]));
    assert_eq!(names(&held.contacts), ["visitor"]);
    assert_eq!(held.groups["inner"][OWN_GROUP]["parent"]["value"], held.groups["outer"]["id"]);
    assert_eq!(members(&held.groups["inner"], &held.users, &held.groups), [""; 0]);
    let (_, writes) = world.rig.carried(&["run", "idp", "--full"]);
    assert_eq!(writes, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_of_openldap_reaches_scim2_server() {
    everything_that_happens(Company::in_openldap(), ScimServer::scim2_with_six_types().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_of_openldap_reaches_scimmy() {
    everything_that_happens(Company::in_openldap(), ScimServer::scimmy_with_six_types().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_of_active_directory_reaches_scim2_server() {
    let Some(company) = Company::in_active_directory("six-a") else { return };
    everything_that_happens(company, ScimServer::scim2_with_six_types().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_of_active_directory_reaches_scimmy() {
    let Some(company) = Company::in_active_directory("six-b") else { return };
    everything_that_happens(company, ScimServer::scimmy_with_six_types().await).await;
}
