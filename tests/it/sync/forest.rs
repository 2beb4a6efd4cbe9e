//! A forest of two domains by its global catalogue: everybody is carried, whichever domain they are in, and a domain that
//! cannot be read or seen takes nobody away.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sekisho::clock::SystemClock;
use sekisho::directory::source::Source;
use sekisho::directory::{LdapDirectory, LdapOptions, Limits};
use sekisho::secret::Secret;

use super::rig::{Rig, members};
use crate::support::fake_domain::{Controller, Domain, locked};
use crate::support::samba::{free_address_for, shout};
use crate::support::scim::ScimServer;

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const ROOT: &str = "DC=fake,DC=test";
const CHILD: &str = "DC=child,DC=fake,DC=test";
const CONFIGURATION: &str = "CN=Configuration,DC=fake,DC=test";

struct Forest {
    root: Arc<Mutex<Domain>>,
    child: Arc<Mutex<Domain>>,
    catalogue: Arc<Mutex<Domain>>,
    /// Where the catalogue is, and the domain controller of the root.
    here: Ipv4Addr,
    /// The host that a crossRef names for the other domain.
    there: Ipv4Addr,
    /// Of the root and of the catalogue.
    _controllers: Vec<Controller>,
}

impl Forest {
    /// `None` where nobody may listen on the ports of LDAP.
    async fn start() -> Option<Self> {
        let [root, child] = [(ROOT, "GUID-OF-THE-ROOT"), (CHILD, "GUID-OF-A-CHILD.")];
        let [root, child] = [root, child].map(|(context, guid)| Domain::new(context, guid));
        let catalogue = Domain::new(CONFIGURATION, "GUID-OF-CONFIGUR");
        let here = free_address_for(&[389, 3268]);
        let on = |port| SocketAddr::from((here, port));
        let of_root = match Controller::at(on(389), &root, "CN=DC1").await {
            Ok(controller) => controller,
            Err(cause) => {
                shout(&format!("a forest takes the ports of LDAP: {cause}"));
                return None;
            }
        };
        let of_catalogue = Controller::at(on(3268), &catalogue, "CN=DC1").await.unwrap();
        let there = free_address_for(&[389]);
        let controllers = vec![of_root, of_catalogue];
        let forest = Self { root, child, catalogue, here, there, _controllers: controllers };
        locked(&forest.catalogue).root = vec![
            ("defaultNamingContext".to_owned(), ROOT.to_owned()),
            ("configurationNamingContext".to_owned(), CONFIGURATION.to_owned()),
        ];
        forest.cross_reference("root", ROOT, "fake.test", "3");
        forest.cross_reference("zones", &format!("DC=DomainDnsZones,{ROOT}"), "zones.test", "5");
        forest.cross_reference("child", CHILD, &there.to_string(), "3");
        forest.people();
        Some(forest)
    }

    fn cross_reference(&self, name: &str, context: &str, host: &str, flags: &str) {
        locked(&self.catalogue).add(
            &format!("CN={name},CN=Partitions,{CONFIGURATION}"),
            &[
                ("objectClass", &["crossRef"]),
                ("objectGUID", &["GUID-OF-CROSSREF"]),
                ("nCName", &[context]),
                ("dnsRoot", &[host]),
                ("systemFlags", &[flags]),
            ],
        );
    }

    /// The other domain, for as long as it is held.
    async fn child(&self) -> Controller {
        Controller::at((self.there, 389).into(), &self.child, "CN=DC2").await.unwrap()
    }

    fn people(&self) {
        let boss = format!("CN=boss,CN=Users,{ROOT}");
        person(&self.root, ROOT, "boss", &[]);
        person(&self.root, ROOT, "clerk", &[("manager", &[&boss])]);
        person(&self.child, CHILD, "kid", &[("manager", &[&boss])]);
        let kid = format!("CN=kid,CN=Users,{CHILD}");
        group(&self.root, ROOT, "all", &[&boss, &kid]);
        group(&self.child, CHILD, "mixed", &[&boss, &kid]);
        // The one that everybody of the domain has for the primary one.
        for (domain, context, name) in [(&self.root, ROOT, "of-root"), (&self.child, CHILD, "of-child")] {
            group(domain, context, name, &[]);
            let dn = format!("CN={name},OU=Organizations,OU=Groups,{context}");
            locked(domain).edit(&dn, |group| group.set("primaryGroupToken", &["513"]));
        }
    }

    async fn rig(&self) -> Rig {
        Rig::new(ScimServer::scim2().await, &self.directory(3268), "").await
    }

    /// As a directory: by the catalogue, or the root alone.
    fn directory(&self, port: u16) -> String {
        format!(
            "name = \"corp\"\nkind = \"ldap\"\nurls = [\"ldap://{}:{port}\"]\nsearch_base = {ROOT:?}\n\
             bind_dn = \"svc@fake.test\"\nbind_password = \"secret\"\nchanges = \"dirsync\"\n",
            self.here
        )
    }

    /// The other domain cannot be seen any more.
    fn hide_child(&self) {
        locked(&self.catalogue).delete(&format!("CN=child,CN=Partitions,{CONFIGURATION}"));
    }
}

fn person(domain: &Arc<Mutex<Domain>>, context: &str, name: &str, more: &[(&str, &[&str])]) {
    let (login, guid) = (login(context, name), format!("{name:.<16}"));
    let mut attributes: Vec<(&str, &[&str])> = more.to_vec();
    let [login, guid, name_of] = [[login.as_str()], [guid.as_str()], [name]];
    attributes.extend::<[(&str, &[&str]); 9]>([
        ("objectClass", &["person", "user"]),
        ("objectCategory", &["person"]),
        ("objectGUID", &guid),
        ("sAMAccountName", &name_of),
        ("userPrincipalName", &login),
        ("sn", &name_of),
        ("givenName", &name_of),
        ("userAccountControl", &["512"]),
        ("primaryGroupID", &["513"]),
    ]);
    locked(domain).add(&format!("CN={name},CN=Users,{context}"), &attributes);
}

fn login(context: &str, name: &str) -> String {
    format!("{name}@{}", context.replace("DC=", "").replace(',', "."))
}

fn group(domain: &Arc<Mutex<Domain>>, context: &str, name: &str, members: &[&str]) {
    let guid = format!("{name:#<16}");
    let dn = format!("CN={name},OU=Organizations,OU=Groups,{context}");
    locked(domain).add(&dn, &[("objectClass", &["group"]), ("objectGUID", &[&guid]), ("cn", &[name])]);
    locked(domain).edit(&dn, |group| group.set("member", members));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_domains_of_a_forest_are_read_and_refer_to_each_other() {
    let Some(forest) = Forest::start().await else { return };
    let _child = forest.child().await;
    let rig = forest.rig().await;
    let (out, _) = rig.carried(&["run", "idp"]);
    let [boss, clerk, kid] =
        [(ROOT, "boss"), (ROOT, "clerk"), (CHILD, "kid")].map(|(of, name)| login(of, name));
    let (users, groups) = (rig.users().await, rig.groups().await);
    assert_eq!(users.keys().collect::<Vec<_>>(), [&boss, &clerk, &kid], "{out}");
    assert_eq!(users[&kid][ENTERPRISE]["manager"]["value"], users[&boss]["id"]);
    let of = |group: &str| members(&groups[group], &users, &groups);
    assert_eq!([of("all"), of("mixed")], [[boss.clone(), kid.clone()], [boss.clone(), kid.clone()]]);
    assert_eq!((of("of-root"), of("of-child")), (vec![boss, clerk.clone()], vec![kid.clone()]));
    let (_, writes) = rig.carried(&["run", "idp"]);
    assert_eq!(writes, [""; 0]);

    locked(&forest.child).edit(&format!("CN=kid,CN=Users,{CHILD}"), |kid| kid.set("givenName", &["Kid"]));
    let (out, writes) = rig.carried(&["run", "idp"]);
    assert_eq!(writes.len(), 1, "{writes:?}\n{out}");
    assert!(!out.contains("everything is read"), "{out}");
    assert_eq!(rig.users().await[&kid]["name"]["givenName"], "Kid");

    // Somebody of one domain leaves a group of the other, and then the domain.
    let all = format!("CN=all,OU=Organizations,OU=Groups,{ROOT}");
    locked(&forest.root).edit(&all, |group| group.set("member", &[&format!("CN=clerk,CN=Users,{ROOT}")]));
    rig.carried(&["run", "idp"]);
    let (users, groups) = (rig.users().await, rig.groups().await);
    assert_eq!(members(&groups["all"], &users, &groups), [clerk]);
    locked(&forest.child).delete(&format!("CN=kid,CN=Users,{CHILD}"));
    rig.carried(&["run", "idp"]);
    assert_eq!(rig.users().await[&kid]["active"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_that_does_not_answer_or_is_not_there_takes_nobody_away() {
    let Some(forest) = Forest::start().await else { return };
    let child = forest.child().await;
    let rig = forest.rig().await;
    rig.carried(&["run", "idp"]);
    let kid = login(CHILD, "kid");
    let is_active = async || rig.users().await[&kid]["active"].clone();
    drop(child);
    for arguments in [&["run", "idp"][..], &["run", "idp", "--full"]] {
        rig.writes();
        let run = rig.sync(arguments);
        assert_eq!((run.code, rig.writes()), (1, vec![]), "{}\n{}", run.out, run.err);
        let told = "Can't connect corp/child.fake.test";
        assert!(run.out.contains(told) || run.err.contains(told), "{}\n{}", run.out, run.err);
    }

    forest.hide_child();
    let told = "corp/child.fake.test was read before, and is no domain of the forest";
    for arguments in [&["run", "idp"][..], &["run", "idp", "--full"]] {
        rig.writes();
        let run = rig.sync(arguments);
        assert_eq!(rig.writes(), [""; 0], "{}\n{}", run.out, run.err);
        assert!(run.out.contains(told), "{}\n{}", run.out, run.err);
    }
    assert_eq!(is_active().await, true);
    let (users, groups) = (rig.users().await, rig.groups().await);
    assert_eq!(members(&groups["all"], &users, &groups), [login(ROOT, "boss"), kid.clone()]);
    // Who is of the other domain leaves as usual.
    locked(&forest.root).delete(&format!("CN=clerk,CN=Users,{ROOT}"));
    rig.sync(&["run", "idp", "--full"]);
    assert_eq!(
        (&rig.users().await[&login(ROOT, "clerk")]["active"], is_active().await),
        (&false.into(), true.into())
    );

    let held = rig.sync(&["check", "idp", "--full"]).out;
    // With two groups.
    assert!(held.contains("3 objects of corp/child.fake.test, which is not there any more"), "{held}");
    let run = rig.sync(&["run", "idp", "--full"]).out;
    let (_, number) = run.split_once("sekisho sync allow ").unwrap_or_else(|| panic!("{run}"));
    let number = number.split_once(' ').unwrap().0;
    let allowed = rig.sync(&["allow", number, "idp"]);
    assert_eq!(is_active().await, false, "{}\n{}", allowed.out, allowed.err);
    // That was all that was to be asked about it.
    rig.sync(&["run", "idp", "--full"]);
    let run = rig.sync(&["run", "idp", "--full"]);
    assert!(!run.out.contains(told) && !run.out.contains("sync allow"), "{}", run.out);

    // It is there again.
    forest.cross_reference("back", CHILD, &forest.there.to_string(), "3");
    let _child = forest.child().await;
    let run = rig.sync(&["run", "idp"]);
    assert_eq!(is_active().await, true, "{}\n{}", run.out, run.err);
    let run = rig.sync(&["check", "idp", "--full"]);
    assert!(!run.out.contains(told) && !run.out.contains("would be done"), "{}", run.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_catalogue_that_is_silent_changes_nothing_and_is_not_waited_for_again() {
    let Some(forest) = Forest::start().await else { return };
    // It takes connections, and says nothing.
    let silent = free_address_for(&[3268]);
    let held = std::net::TcpListener::bind((silent, 3268)).unwrap();
    held.set_nonblocking(true).unwrap();
    let came = || std::iter::from_fn(|| held.accept().ok()).count();
    let directory = |hosts: &[Ipv4Addr]| {
        let mut options = LdapOptions::new("corp");
        options.urls = hosts.iter().map(|host| format!("ldap://{host}:3268")).collect();
        ROOT.clone_into(&mut options.search_base);
        options.bind_dn = Some("svc@fake.test".to_owned());
        options.bind_password = Some(Secret::new("secret".to_owned()));
        let limits =
            Limits { answer: Duration::from_secs(2), retry: Duration::from_mins(1), ..Limits::default() };
        LdapDirectory::with_limits(options, Arc::new(SystemClock), limits).unwrap()
    };
    let names = async |directory: &LdapDirectory| {
        let domains = directory.domains(ROOT).await.unwrap().unwrap();
        domains.iter().map(|domain| domain.name().to_owned()).collect::<Vec<_>>()
    };
    let both = directory(&[silent, forest.here]);
    let expected = names(&directory(&[forest.here])).await;
    assert_eq!(expected, ["corp/fake.test", "corp/child.fake.test"]);
    assert_eq!(names(&both).await, expected);
    assert_ne!(came(), 0, "it was asked once");
    assert_eq!(names(&both).await, expected);
    assert_eq!(came(), 0);
    // Nobody is left.
    let error = directory(&[silent]).domains(ROOT).await.unwrap_err().to_string();
    assert!(error.contains(&silent.to_string()), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_in_a_file_takes_nobody_away_whose_domain_cannot_be_seen() {
    let Some(forest) = Forest::start().await else { return };
    let _child = forest.child().await;
    let rig = forest.rig().await;
    // The first one that is carried out is of a file, too: no run has read the domain.
    assert_eq!(rig.sync(&["plan", "idp", "--out", "first.json"]).code, 0);
    let first = rig.sync(&["apply", "first.json"]);
    assert_eq!(first.code, 0, "{}\n{}", first.out, first.err);
    let kid = login(CHILD, "kid");
    assert_eq!(rig.users().await[&kid]["active"], true);
    forest.hide_child();
    let plan = rig.sync(&["plan", "idp", "--full", "--out", "plan.json"]);
    let told = "3 objects of corp/child.fake.test, which is not there any more";
    assert!(plan.out.contains(told), "{}\n{}", plan.out, plan.err);
    rig.writes();
    let applied = rig.sync(&["apply", "plan.json"]);
    assert!(applied.out.contains(told), "{}\n{}", applied.out, applied.err);
    assert_eq!(rig.writes(), [""; 0]);
    assert_eq!(rig.users().await[&kid]["active"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_that_is_read_by_another_url_is_there() {
    let Some(forest) = Forest::start().await else { return };
    let _child = forest.child().await;
    let mut rig = forest.rig().await;
    rig.carried(&["run", "idp"]);
    let plain: toml::Table = forest.directory(389).parse().unwrap();
    let directories = rig.folder.config["directory"].as_array_mut().unwrap();
    let corp = directories.iter_mut().find(|directory| directory["name"].as_str() == Some("corp"));
    *corp.unwrap() = toml::Value::Table(plain);
    rig.folder.write_config();
    locked(&forest.root).delete(&format!("CN=clerk,CN=Users,{ROOT}"));
    let run = rig.sync(&["run", "idp", "--full"]);
    let users = rig.users().await;
    let active = [(ROOT, "clerk"), (CHILD, "kid")].map(|(of, name)| &users[&login(of, name)]["active"]);
    assert_eq!(active, [false, true], "{}\n{}", run.out, run.err);
    let told = |domain: &str| run.out.contains(&format!("corp/{domain} was read before"));
    assert_eq!((told("fake.test"), told("child.fake.test")), (false, true), "{}", run.out);
}
