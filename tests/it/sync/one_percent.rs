//! One of a hundred people has changed: one request, and everybody else stays as they are, by the target's own dump.

use std::collections::BTreeMap;

use super::company::Company;
use super::rig::Rig;
use super::to_ldap;
use crate::support::scim::ScimServer;

const MANY: usize = 100;

fn filled(company: Company) -> Company {
    company.unit("OU=Staff");
    company.many("OU=Staff", MANY);
    company
}

async fn one_change_is_one_request(company: &Company, service: ScimServer, name: &str) {
    let keys = format!("{}preset = \"secioss\"\nobjects = [\"user\"]\n", company.keys());
    // The rules for extensions that these services do not have.
    let own = "urn:ietf:params:scim:schemas:extension:sekisho:2.0:User";
    let never = ["services", "organization.value"]
        .map(|path| format!("[[map]]\nobject = \"user\"\npath = \"{own}:{path}\"\nwhen = \"never\"\n"));
    let rig = Rig::new(service, &company.directory(), &format!("{keys}{}", never.concat())).await;
    let (_, writes) = rig.carried(&["run", "idp"]);
    assert_eq!(writes, vec!["POST /Users"; MANY]);
    let before = rig.users().await;
    company.set("CN=p7,OU=Staff", "givenName", name);
    let (out, writes) = rig.carried(&["run", "idp"]);
    let login = company.login("p7");
    assert_eq!(writes, [format!("PATCH /Users/{}", before[&login]["id"].as_str().unwrap())], "{out}");
    let mut users = rig.users().await;
    assert_eq!(users.len(), MANY);
    assert_eq!(users[&login]["name"]["givenName"], name);
    users.retain(|login, user| before.get(login) != Some(user));
    assert_eq!(users.keys().collect::<Vec<_>>(), [&login]);
}

fn one_change_is_one_entry(company: &Company, name: &str) {
    let rig = to_ldap::Rig::new(&company.directory(), &format!("{}objects = [\"user\"]\n", company.keys()));
    rig.carried(&["run", "idp"]);
    let stamps = || {
        let of = |number: usize| {
            let login = company.login(&format!("p{number}"));
            (login.clone(), rig.values(&format!("uid={login},ou=people,ou=target"), "entryCSN"))
        };
        (0..MANY).map(of).collect::<BTreeMap<_, _>>()
    };
    let before = stamps();
    company.set("CN=p7,OU=Staff", "givenName", name);
    rig.carried(&["run", "idp"]);
    let mut after = stamps();
    after.retain(|login, stamp| before[login] != *stamp);
    assert_eq!(after.keys().collect::<Vec<_>>(), [&company.login("p7")]);
    let place = format!("uid={},ou=people,ou=target", company.login("p7"));
    assert_eq!(rig.values(&place, "givenName"), [name]);
}

async fn everywhere(company: Company) {
    let company = filled(company);
    one_change_is_one_request(&company, ScimServer::scim2().await, "a").await;
    one_change_is_one_request(&company, ScimServer::scimmy().await, "b").await;
    one_change_is_one_entry(&company, "c");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_a_hundred_of_openldap_is_carried_alone() {
    everywhere(Company::in_openldap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_a_hundred_of_active_directory_is_carried_alone() {
    let Some(company) = Company::in_active_directory("one-of-many") else { return };
    everywhere(company).await;
}
