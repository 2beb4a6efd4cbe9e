//! Who is found at the target: what `match` has reported and not done, for as long as it is so; and one person alone, of
//! whom it is not seen who else wants the same.

use serde_json::{Value, json};

use super::rig::Rig;
use crate::support::http::client;
use crate::support::scim::{ScimServer, TOKEN};
use crate::support::slapd::{BASE, Copies, Slapd};

/// Two people who are numbered, and a target of them and of who comes after them.
async fn rig(keys: &str) -> (Slapd, Rig) {
    let slapd = Slapd::start_source(Copies::Log, 2);
    let keys = format!("search_base = \"ou=many,{BASE}\"\n{keys}");
    let rig = Rig::new(ScimServer::scim2().await, &Slapd::directory(&[&slapd]), &keys).await;
    (slapd, rig)
}

fn person(uid: &str, mail: &str) -> String {
    format!(
        "dn: uid={uid},ou=many,{BASE}\nchangetype: add\nobjectClass: inetOrgPerson\nuid: {uid}\ncn: {uid}\nsn: {uid}\n\
         mail: {mail}\n\n"
    )
}

/// An account that the service has by itself.
async fn account(rig: &Rig, name: &str) -> String {
    let account = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name, "active": true,
    });
    let made = client().post(format!("{}/Users", rig.service.url)).bearer_auth(TOKEN).json(&account);
    let made = made.send().await.unwrap();
    assert_eq!(made.status().as_u16(), 201);
    made.json::<Value>().await.unwrap()["id"].as_str().unwrap().to_owned()
}

fn unsettled(rig: &Rig) -> Value {
    let run = rig.sync(&["status", "idp", "--json"]);
    serde_json::from_str::<Value>(&run.out).unwrap()[0]["unsettled"].clone()
}

/// Three runs, each of which tells of it and writes nothing.
fn told_by_each_run(rig: &Rig, words: &str) {
    for number in 0..3 {
        rig.proxy.take_log();
        let run = rig.sync(&["run", "idp"]);
        assert_eq!((run.code, run.out.matches(words).count()), (1, 1), "{number}: {}\n{}", run.out, run.err);
        assert!(!run.out.contains("everything is read"), "{}", run.out);
        assert_eq!(rig.writes(), [""; 0]);
        assert!(unsettled(rig)[0]["told"][0].as_str().unwrap().contains(words), "{}", unsettled(rig));
        assert!(rig.sync(&["status"]).out.contains(words));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_taken_over_is_told_by_each_run_until_it_is_over() {
    let (slapd, rig) = rig("match.one = \"report\"\n").await;
    rig.carried(&["run", "idp"]);
    let id = account(&rig, "ito@example.test").await;
    slapd.modify(&person("ito", "ito@example.test"));
    let words =
        format!("uid=ito,ou=many,{BASE}: {id} at the target has the same userName, and is not taken over");
    told_by_each_run(&rig, &words);
    let gone = client().delete(format!("{}/Users/{id}", rig.service.url)).bearer_auth(TOKEN);
    assert_eq!(gone.send().await.unwrap().status().as_u16(), 204);
    let (out, writes) = rig.carried(&["run", "idp"]);
    assert_eq!((writes, unsettled(&rig)), (vec!["POST /Users".to_owned()], json!([])), "{out}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_not_made_is_told_by_each_run_until_it_is_over() {
    let (slapd, rig) = rig("match.none = \"report\"\n").await;
    for name in ["m0@example.test", "m1@example.test"] {
        account(&rig, name).await;
    }
    rig.carried(&["run", "idp"]);
    slapd.modify(&person("ito", "ito@example.test"));
    told_by_each_run(
        &rig,
        &format!("uid=ito,ou=many,{BASE}: the target has none, and none is made (match.none)"),
    );
    let id = account(&rig, "ito@example.test").await;
    let (out, writes) = rig.carried(&["run", "idp"]);
    assert_eq!((writes, unsettled(&rig)), (vec![format!("PATCH /Users/{id}")], json!([])), "{out}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_person_alone_takes_over_nothing_that_somebody_else_is_known_to_want() {
    let (slapd, rig) = rig("").await;
    rig.carried(&["run", "idp"]);
    let id = account(&rig, "ito@example.test").await;
    slapd.modify(&["ito1", "ito2"].map(|uid| person(uid, "ito@example.test")).concat());
    assert_eq!(rig.sync(&["run", "idp"]).code, 1);
    for (one, other) in [("ito1", "ito2"), ("ito2", "ito1")] {
        rig.proxy.take_log();
        let run = rig.sync(&["run", "idp", "--user", one]);
        let words = format!(
            "uid={one},ou=many,{BASE}: conflict: userName \"ito@example.test\" at the target is that of {id}, which \
             uid={other},ou=many,{BASE} wants as well; give one of the two"
        );
        assert!(run.code == 1 && run.out.contains(&words), "{}\n{}", run.out, run.err);
        assert_eq!(rig.writes(), [""; 0]);
    }
    slapd.modify(&format!("dn: uid=ito2,ou=many,{BASE}\nchangetype: delete\n"));
    let (_, writes) = rig.carried(&["run", "idp"]);
    assert_eq!(writes, [format!("PATCH /Users/{id}")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_one_person_alone_it_is_told_what_was_not_looked_at() {
    let (slapd, rig) = rig("").await;
    rig.carried(&["run", "idp"]);
    account(&rig, "ito@example.test").await;
    slapd.modify(&person("ito", "ito@example.test"));
    let (out, _) = rig.carried(&["run", "idp", "--user", "ito"]);
    let words = format!(
        "warning: uid=ito,ou=many,{BASE}: taken over at the target without a look at who else may want"
    );
    assert!(out.contains(&words), "{out}");
    let (out, _) = rig.carried(&["run", "idp", "--user", "ito"]);
    assert!(!out.contains("warning"), "it is taken over already: {out}");
}
