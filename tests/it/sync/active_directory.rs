//! Whole runs from a real Samba domain controller to a real SCIM service: what Active Directory has that OpenLDAP has not.
//! The domain is shared, so each test has a unit of its own with people, groups and conventions.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use data_encoding::BASE64;
use serde_json::Value;

use super::rig::{Rig, members};
use crate::support::samba::{
    ADMINISTRATOR, ADMINISTRATOR_PASSWORD, BASE, DNS, PASSWORD, READER, SERVICE_PASSWORD, Samba, unicode_pwd,
};
use crate::support::scim::ScimServer;

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const UNIT: &str = "objectClass: organizationalUnit\n";

/// Who reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Account {
    SeesDeleted,
    Plain,
    /// By DirSync.
    Replicates,
}

/// A company in a unit of the domain. Its account names begin with the name of the unit.
struct Company {
    samba: &'static Samba,
    name: &'static str,
}

impl Company {
    /// Three people in two units, and groups for all conventions.
    fn new(samba: &'static Samba, name: &'static str) -> Self {
        let company = Self { samba, name };
        samba.modify(&format!("dn: OU={name},{BASE}\nchangetype: add\n{UNIT}"));
        let units = [
            "OU=Staff",
            "OU=Sales,OU=Staff",
            "OU=Dev,OU=Staff",
            "OU=Groups",
            "OU=Roles,OU=Groups",
            "OU=Office365,OU=Roles,OU=Groups",
            "OU=管理者の役割,OU=Office365,OU=Roles,OU=Groups",
            "OU=Services,OU=Groups",
            "OU=Organizations,OU=Groups",
        ];
        for unit in units {
            company.add(unit, UNIT);
        }
        company.person("CN=baba,OU=Sales,OU=Staff", "baba", "");
        let manager = format!("manager: {}\n", company.dn("CN=baba,OU=Sales,OU=Staff"));
        company.person("CN=aoki,OU=Sales,OU=Staff", "aoki", &manager);
        company.person("CN=chiba,OU=Dev,OU=Staff", "chiba", &manager);
        let (aoki, baba, chiba) =
            ("CN=aoki,OU=Sales,OU=Staff", "CN=baba,OU=Sales,OU=Staff", "CN=chiba,OU=Dev,OU=Staff");
        company.group("CN=idsync,OU=Roles,OU=Groups", &[aoki, baba, chiba]);
        company.group("CN=admin,OU=Roles,OU=Groups", &[baba]);
        company.group("CN=課金,OU=管理者の役割,OU=Office365,OU=Roles,OU=Groups", &[chiba]);
        company.group("CN=salesforce,OU=Services,OU=Groups", &[aoki]);
        company.group("CN=inner,OU=Organizations,OU=Groups", &[chiba]);
        company.group("CN=outer,OU=Organizations,OU=Groups", &[aoki, "CN=inner,OU=Organizations,OU=Groups"]);
        company.group("CN=other,OU=Organizations,OU=Groups", &["CN=inner,OU=Organizations,OU=Groups"]);
        // The group that somebody has for the primary one does not list that person.
        company.group("CN=prime,OU=Organizations,OU=Groups", &[baba]);
        let token = samba.value(&company.dn("CN=prime,OU=Organizations,OU=Groups"), "primaryGroupToken");
        samba.set(&company.dn(baba), "primaryGroupID", &token.unwrap());
        let prime = company.dn("CN=prime,OU=Organizations,OU=Groups");
        assert_eq!(samba.value(&prime, "member"), None);
        company
    }

    fn dn(&self, place: &str) -> String {
        format!("{place},OU={},{BASE}", self.name)
    }

    fn login(&self, name: &str) -> String {
        format!("{}-{name}@{DNS}", self.name)
    }

    fn add(&self, place: &str, lines: &str) {
        self.change(place, &format!("changetype: add\n{lines}"));
    }

    fn change(&self, place: &str, lines: &str) {
        self.samba.modify(&format!("dn:: {}\n{lines}", BASE64.encode(self.dn(place).as_bytes())));
    }

    fn person(&self, place: &str, name: &str, more: &str) {
        let (login, account) = (self.login(name), format!("{}-{name}", self.name));
        let password = BASE64.encode(&unicode_pwd(PASSWORD));
        self.add(
            place,
            &format!(
                "objectClass: user\nsAMAccountName: {account}\nuserPrincipalName: {login}\nsn: {name}-sn\n\
                 givenName: {name}-gn\nmail: {login}\nuserAccountControl: 512\nunicodePwd:: {password}\n{more}"
            ),
        );
    }

    fn group(&self, place: &str, members: &[&str]) {
        let (name, _) = place.trim_start_matches("CN=").split_once(',').unwrap();
        let account = BASE64.encode(format!("{}-{name}", self.name).as_bytes());
        let mut lines = format!("objectClass: group\nsAMAccountName:: {account}\ngroupType: -2147483646\n");
        for member in members {
            writeln!(lines, "member: {}", self.dn(member)).unwrap();
        }
        self.add(place, &lines);
    }

    /// Into a group, or out of it.
    fn member(&self, how: &str, group: &str, member: &str) {
        let lines = format!("changetype: modify\n{how}: member\nmember: {}\n", self.dn(member));
        self.change(group, &lines);
    }

    async fn rig(&self, account: Account, more: &str) -> Rig {
        self.rig_with(ScimServer::scim2().await, account, more).await
    }

    async fn rig_with(&self, service: ScimServer, account: Account, more: &str) -> Rig {
        let mut directory = self.samba.directory();
        if account != Account::Plain {
            directory =
                directory.replace(READER, ADMINISTRATOR).replace(SERVICE_PASSWORD, ADMINISTRATOR_PASSWORD);
        }
        if account == Account::Replicates {
            directory.push_str("changes = \"dirsync\"\n");
        }
        let base = self.dn("").trim_start_matches(',').to_owned();
        let base =
            if more.starts_with("search_base") { String::new() } else { format!("search_base = {base:?}\n") };
        Rig::new(service, &directory, &format!("{base}{more}")).await
    }
}

fn conventions() -> String {
    let map = |path: &str, source: &str| {
        format!("[[map]]\nobject = \"user\"\npath = \"{path}\"\nsource = '{source}'\n")
    };
    format!(
        "scope = {{ who = \"selected\" }}\n{}{}{}",
        map("userType", "if(@admin, \"admin\")"),
        map(&format!("{ENTERPRISE}:costCenter"), "join(\",\", @roles)"),
        map(&format!("{ENTERPRISE}:division"), "join(\",\", @services)"),
    )
}

fn names(map: &BTreeMap<String, Value>) -> Vec<&str> {
    map.keys().map(String::as_str).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_happens_reaches_the_service() {
    everything_that_happens("sync-matrix", Account::SeesDeleted).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_happens_reaches_the_service_by_a_plain_account() {
    everything_that_happens("sync-plain", Account::Plain).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_happens_reaches_the_service_by_dirsync() {
    everything_that_happens("sync-dirsync", Account::Replicates).await;
}

async fn everything_that_happens(name: &'static str, account: Account) {
    let Some(samba) = Samba::shared() else { return };
    let company = Company::new(samba, name);
    let rig = company.rig(account, &conventions()).await;
    first_run(&company, &rig).await;
    for arguments in [&["run", "idp"][..], &["run", "idp", "--full"], &["check", "idp", "--full"]] {
        let (_, writes) = rig.carried(arguments);
        assert_eq!(writes, [""; 0], "{arguments:?}: nothing has changed");
    }
    change_rename_and_move(&company, &rig).await;
    groups(&company, &rig).await;
    disable_and_enable(&company, &rig).await;
    leave(&company, &rig).await;
}

async fn first_run(company: &Company, rig: &Rig) {
    let (out, _) = rig.carried(&["run", "idp"]);
    let (users, groups) = (rig.users().await, rig.groups().await);
    let login = |name: &str| company.login(name);
    let (aoki, baba, chiba) = (login("aoki"), login("baba"), login("chiba"));
    assert_eq!(names(&users), [&aoki, &baba, &chiba], "{out}");
    assert_eq!(names(&groups), ["inner", "other", "outer", "prime"]);
    assert_eq!(users[&aoki]["name"]["givenName"], "aoki-gn");
    assert_eq!(users[&aoki]["active"], true);
    let guid = company.samba.value(&company.dn("CN=aoki,OU=Sales,OU=Staff"), "objectGUID").unwrap();
    assert_eq!(users[&aoki]["externalId"], Samba::guid(&guid));
    assert_eq!(users[&aoki][ENTERPRISE]["manager"]["value"], users[&baba]["id"]);
    assert_eq!(users[&baba]["userType"], "admin");
    assert_eq!(users[&aoki]["userType"], Value::Null);
    assert_eq!(users[&chiba][ENTERPRISE]["costCenter"], "Office365/管理者の役割/課金");
    assert_eq!(users[&aoki][ENTERPRISE]["division"], "salesforce");
    assert_eq!(users[&aoki][ENTERPRISE]["organization"], "Sales");
    let of = |group: &str| members(&groups[group], &users, &groups);
    assert_eq!((of("inner"), of("other")), (vec![chiba.clone()], vec![chiba.clone()]));
    assert_eq!(of("outer"), [aoki.as_str(), chiba.as_str()], "nested");
    assert_eq!(of("prime"), [baba.as_str()], "the primary group of somebody");

    // Of two parents the one with the smallest GUID.
    let parents = ["outer", "other"].map(|name| {
        let dn = company.dn(&format!("CN={name},OU=Organizations,OU=Groups"));
        (Samba::guid(&company.samba.value(&dn, "objectGUID").unwrap()), dn)
    });
    let (_, under) = parents.iter().min().unwrap();
    let inner = company.dn("CN=inner,OU=Organizations,OU=Groups");
    let told = format!("warning: {inner} is in several groups: it lands under {under}, and not under ");
    assert!(out.contains(&told), "{told}\n{out}");
}

async fn change_rename_and_move(company: &Company, rig: &Rig) {
    company.change(
        "CN=aoki,OU=Sales,OU=Staff",
        &format!(
            "changetype: modify\nreplace: givenName\ngivenName:: {}\n",
            BASE64.encode("花子".as_bytes())
        ),
    );
    let (_, writes) = rig.carried(&["run", "idp"]);
    assert_eq!(writes.len(), 1, "{writes:?}");
    assert!(writes[0].starts_with("PATCH /Users/"), "{writes:?}");
    let users = rig.users().await;
    assert_eq!(users[&company.login("aoki")]["name"]["givenName"], "花子");
    assert_eq!(users[&company.login("aoki")]["name"]["familyName"], "aoki-sn", "the rest stays");

    // Another login name; the DN stays.
    let (old, new) = (company.login("chiba"), company.login("chida"));
    let id = users[&old]["id"].clone();
    let account = format!("sAMAccountName: {}-chida\n", company.name);
    company.change(
        "CN=chiba,OU=Dev,OU=Staff",
        &format!(
            "changetype: modify\nreplace: userPrincipalName\nuserPrincipalName: {new}\n-\nreplace: sAMAccountName\n{account}"
        ),
    );
    rig.carried(&["run", "idp"]);
    let users = rig.users().await;
    assert_eq!((&users[&new]["id"], users.contains_key(&old)), (&id, false));

    // Another DN in another unit: the groups list it by the new one without having been changed.
    let unit = company.dn("OU=Sales,OU=Staff");
    company.change(
        "CN=chiba,OU=Dev,OU=Staff",
        &format!("changetype: modrdn\nnewrdn: CN=chida\ndeleteoldrdn: 1\nnewsuperior: {unit}\n"),
    );
    let (out, writes) = rig.carried(&["run", "idp"]);
    assert!(writes.iter().all(|line| line.starts_with("PATCH /Users/")), "{writes:?}\n{out}");
    let (users, groups) = (rig.users().await, rig.groups().await);
    let user = &users[&new];
    assert_eq!((&user["id"], &user["active"]), (&id, &true.into()), "{out}");
    assert_eq!(user[ENTERPRISE]["organization"], "Sales");
    assert_eq!(user[ENTERPRISE]["costCenter"], "Office365/管理者の役割/課金");
    assert_eq!(members(&groups["inner"], &users, &groups), [new.as_str()]);
    let (_, writes) = rig.carried(&["run", "idp", "--full"]);
    assert_eq!(writes, [""; 0]);
}

async fn groups(company: &Company, rig: &Rig) {
    let login = |name: &str| company.login(name);
    let (aoki, baba, chida) = (login("aoki"), login("baba"), login("chida"));
    // Into a nested group, out of it, and what follows for those that hold it.
    company.member("add", "CN=inner,OU=Organizations,OU=Groups", "CN=baba,OU=Sales,OU=Staff");
    company.member("delete", "CN=inner,OU=Organizations,OU=Groups", "CN=chida,OU=Sales,OU=Staff");
    rig.carried(&["run", "idp"]);
    let (users, groups) = (rig.users().await, rig.groups().await);
    let of = |group: &str| members(&groups[group], &users, &groups);
    assert_eq!((of("inner"), of("other")), (vec![baba.clone()], vec![baba.clone()]));
    assert_eq!(of("outer"), [aoki.as_str(), baba.as_str()]);
    assert_eq!(of("prime"), [baba.as_str()], "others' changes take nobody out");

    // Another primary group.
    company.member("add", "CN=prime,OU=Organizations,OU=Groups", "CN=chida,OU=Sales,OU=Staff");
    let token = company.samba.value(&company.dn("CN=prime,OU=Organizations,OU=Groups"), "primaryGroupToken");
    company.samba.set(&company.dn("CN=chida,OU=Sales,OU=Staff"), "primaryGroupID", &token.unwrap());
    rig.carried(&["run", "idp"]);
    let (users, groups) = (rig.users().await, rig.groups().await);
    assert_eq!(members(&groups["prime"], &users, &groups), [baba.as_str(), chida.as_str()]);

    // Rights come and go with groups; nobody's own entry changes.
    company.member("add", "CN=admin,OU=Roles,OU=Groups", "CN=aoki,OU=Sales,OU=Staff");
    company.member("delete", "CN=admin,OU=Roles,OU=Groups", "CN=baba,OU=Sales,OU=Staff");
    company.member("delete", "CN=salesforce,OU=Services,OU=Groups", "CN=aoki,OU=Sales,OU=Staff");
    rig.carried(&["run", "idp"]);
    let users = rig.users().await;
    assert_eq!((&users[&aoki]["userType"], &users[&baba]["userType"]), (&"admin".into(), &Value::Null));
    assert_eq!(users[&aoki][ENTERPRISE]["division"], Value::Null);
    let (_, writes) = rig.carried(&["run", "idp", "--full"]);
    assert_eq!(writes, [""; 0]);
}

async fn disable_and_enable(company: &Company, rig: &Rig) {
    for (flags, active) in [("514", false), ("512", true)] {
        let dn = company.dn("CN=aoki,OU=Sales,OU=Staff");
        company.samba.set(&dn, "userAccountControl", flags);
        let (_, writes) = rig.carried(&["run", "idp"]);
        assert!(writes.iter().all(|line| line.starts_with("PATCH ")), "{writes:?}");
        let users = rig.users().await;
        assert_eq!(users[&company.login("aoki")]["active"], active, "{flags}");
    }
}

async fn leave(company: &Company, rig: &Rig) {
    let active = async |name: &str| rig.users().await[&company.login(name)]["active"].clone();
    company.member("delete", "CN=idsync,OU=Roles,OU=Groups", "CN=aoki,OU=Sales,OU=Staff");
    rig.carried(&["run", "idp"]);
    assert_eq!((active("aoki").await, active("chida").await), (false.into(), true.into()), "out of scope");

    company.change("CN=chida,OU=Sales,OU=Staff", "changetype: delete\n");
    rig.carried(&["run", "idp"]);
    assert_eq!((active("chida").await, active("baba").await), (false.into(), true.into()), "deleted");
    let (_, writes) = rig.carried(&["run", "idp", "--full"]);
    assert_eq!(writes, [""; 0], "a deactivated person stays for 30 days");
}

/// What was deleted is seen by its tombstone: a run that reads changes alone carries it.
#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_is_among_the_changes() {
    let Some(samba) = Samba::shared() else { return };
    let company = Company::new(samba, "sync-deleted");
    let many: Vec<String> = (0..8).map(|number| format!("leaver{number}")).collect();
    for name in &many {
        company.person(&format!("CN={name},OU=Dev,OU=Staff"), name, "");
    }
    let rig = company.rig(Account::SeesDeleted, "").await;
    rig.carried(&["run", "idp"]);
    for name in &many {
        company.change(&format!("CN={name},OU=Dev,OU=Staff"), "changetype: delete\n");
        let (out, _) = rig.carried(&["run", "idp"]);
        assert_eq!(rig.users().await[&company.login(name)]["active"], false, "{out}");
        // Everything is read when another test has changed a unit of the domain in the meantime.
        if !out.contains("everything is read") {
            return;
        }
    }
    panic!("no run read changes alone");
}

/// The catalogue of a forest with one domain: its domain controller is read, on its own port.
#[tokio::test(flavor = "multi_thread")]
async fn a_global_catalogue_leads_to_its_domain() {
    let Some(samba) = Samba::shared() else { return };
    let company = Company::new(samba, "sync-catalogue");
    let directory = samba.directory().replace(&samba.ldaps_url(), &samba.catalogue_url());
    let base = company.dn("").trim_start_matches(',').to_owned();
    let rig = Rig::new(ScimServer::scim2().await, &directory, &format!("search_base = {base:?}\n")).await;
    let (out, _) = rig.carried(&["run", "idp"]);
    let (users, groups) = (rig.users().await, rig.groups().await);
    let logins = ["aoki", "baba", "chiba"].map(|name| company.login(name));
    assert_eq!(names(&users), logins.each_ref().map(String::as_str), "{out}");
    assert_eq!(members(&groups["prime"], &users, &groups), [logins[1].as_str()]);
    let place = "CN=aoki,OU=Sales,OU=Staff";
    company.change(place, "changetype: modify\nreplace: givenName\ngivenName: Hanako\n");
    let (out, writes) = rig.carried(&["run", "idp"]);
    assert_eq!(writes.len(), 1, "{writes:?}\n{out}");
    assert_eq!(rig.users().await[&logins[0]]["name"]["givenName"], "Hanako");
}

/// A type that the service does not have is told, and the others are carried.
#[tokio::test(flavor = "multi_thread")]
async fn contacts_are_told_where_the_service_has_none() {
    let Some(samba) = Samba::shared() else { return };
    let company = Company::new(samba, "sync-contact");
    company.add("CN=guest,OU=Sales,OU=Staff", "objectClass: contact\nmail: guest@example.org\n");
    let never = |object: &str, path: &str| {
        format!("[[map]]\nobject = \"{object}\"\npath = \"{path}\"\nwhen = \"never\"\n")
    };
    let own = "urn:ietf:params:scim:schemas:extension:sekisho:2.0";
    let rig = company
        .rig(
            Account::Plain,
            &format!(
                "preset = \"secioss\"\nobjects = [\"user\", \"group\", \"contact\"]\n{}{}{}{}",
                never("user", "roles"),
                never("user", &format!("{own}:User:services")),
                never("user", &format!("{own}:User:organization.value")),
                never("group", &format!("{own}:Group:parent.value")),
            ),
        )
        .await;
    let run = rig.sync(&["run", "idp"]);
    assert_eq!(run.code, 1, "{}\n{}", run.out, run.err);
    let told = "problem: Synchronizing Contact failed(53)";
    assert!(run.out.contains(told), "{}\n{}", run.out, run.err);
    assert_eq!(rig.users().await.len(), 3);
    assert_eq!(rig.groups().await.len(), 4);
}

/// Administrator, Guest, krbtgt and the unit of the domain controllers, however changes are asked for.
#[tokio::test(flavor = "multi_thread")]
async fn what_active_directory_needs_for_itself_is_not_carried() {
    let Some(samba) = Samba::shared() else { return };
    let company = Company::new(samba, "sync-system");
    let guest = format!("CN=Guest,CN=Users,{BASE}");
    let some = "(|(sAMAccountName=Administrator)(sAMAccountName=Guest)(sAMAccountName=krbtgt)(sAMAccountName=sync-system-*))";
    let keys = format!("search_base = {BASE:?}\nobjects = [\"user\"]\nfilter = \"{some}\"\n");
    for account in [Account::SeesDeleted, Account::Plain, Account::Replicates] {
        let rig = company.rig(account, &keys).await;
        rig.carried(&["run", "idp"]);
        let own = ["aoki", "baba", "chiba"].map(|name| company.login(name));
        assert_eq!(names(&rig.users().await), own, "{account:?}");
        samba.set(&guest, "description", &format!("changed for {account:?}"));
        let (out, writes) = rig.carried(&["run", "idp"]);
        assert_eq!(writes, [""; 0], "{out}");
        for name in ["Guest", guest.as_str()] {
            let why = rig.sync(&["explain", "--user", name]);
            let told = "out of scope: an account of Active Directory itself (isCriticalSystemObject is TRUE)";
            assert!(why.code == 1 && why.out.contains(told), "{name}: {}", why.out);
        }
    }
    let keys = format!("search_base = {BASE:?}\npreset = \"secioss\"\nobjects = [\"organization\"]\n");
    let service = ScimServer::scim2_with_six_types().await;
    let rig = company.rig_with(service, Account::Plain, &keys).await;
    let run = rig.sync(&["plan", "idp", "--full", "--out", "plan.json"]);
    let plan = std::fs::read_to_string(rig.folder.path("plan.json"));
    let plan = plan.unwrap_or_else(|error| panic!("{error}: {}\n{}", run.out, run.err));
    assert!(plan.contains("OU=sync-system,") && !plan.contains("OU=Domain Controllers"), "{plan}");
}
