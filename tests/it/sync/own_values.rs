//! What a creation alone sends is the target's own afterwards, also when the rest of its attribute changes.

use serde_json::{Value, json};

use super::rig::Rig;
use crate::support::http::client;
use crate::support::scim::{ScimServer, TOKEN};
use crate::support::scim_proxy::Conduct;
use crate::support::slapd::{BASE, Copies, Slapd};

/// The numbers of somebody, by their type.
async fn numbers(rig: &Rig) -> Vec<(String, String)> {
    let user = rig.users().await["m0@example.test"].clone();
    let all = user["phoneNumbers"].as_array().cloned().unwrap_or_default();
    let text = |one: &Value, name: &str| one[name].as_str().unwrap().to_owned();
    let mut all: Vec<_> = all.iter().map(|one| (text(one, "type"), text(one, "value"))).collect();
    all.sort();
    all
}

/// Somebody changes them at the service.
async fn changed_there(rig: &Rig, home: Option<&str>, work: &str) {
    let id = rig.users().await["m0@example.test"]["id"].as_str().unwrap().to_owned();
    let mut values = vec![json!({"type": "work", "value": work})];
    values.extend(home.map(|home| json!({"type": "home", "value": home})));
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "replace", "path": "phoneNumbers", "value": values}],
    });
    let asked = client().patch(format!("{}/Users/{id}", rig.service.url)).bearer_auth(TOKEN).json(&body);
    assert!(asked.send().await.unwrap().status().is_success());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_target_made_of_it_stays_when_its_attribute_is_replaced() {
    let slapd = Slapd::start_source(Copies::Log, 2);
    let set =
        |lines: &str| slapd.modify(&format!("dn: uid=m0,ou=many,{BASE}\nchangetype: modify\n{lines}\n"));
    set("replace: telephoneNumber\ntelephoneNumber: 1\n-\nreplace: homePhone\nhomePhone: 100");
    let home = "[[map]]\nobject = \"user\"\npath = 'phoneNumbers[type eq \"home\"].value'\nsource = \"homePhone\"\n\
                when = \"creation\"\n";
    let keys = format!("search_base = \"ou=many,{BASE}\"\n{home}");
    let rig = Rig::new(ScimServer::scim2().await, &Slapd::directory(&[&slapd]), &keys).await;
    rig.carried(&["run", "idp"]);
    let both = |home: &str, work: &str| {
        vec![("home".to_owned(), home.to_owned()), ("work".to_owned(), work.to_owned())]
    };
    assert_eq!(numbers(&rig).await, both("100", "1"));
    // What is changed at the directory afterwards is no matter, and what is changed at the target is.
    set("replace: homePhone\nhomePhone: 101\n-\nreplace: telephoneNumber\ntelephoneNumber: 2");
    changed_there(&rig, Some("200"), "1").await;
    let (_, writes) = rig.carried(&["run", "idp"]);
    assert_eq!((writes.len(), numbers(&rig).await), (1, both("200", "2")));
    // Also in a full run, to which the target shows it, and for one person.
    changed_there(&rig, Some("300"), "x").await;
    rig.carried(&["run", "idp", "--full"]);
    assert_eq!(numbers(&rig).await, both("300", "2"));
    changed_there(&rig, Some("400"), "2").await;
    set("replace: telephoneNumber\ntelephoneNumber: 3");
    rig.carried(&["run", "idp", "--user", "m0"]);
    assert_eq!(numbers(&rig).await, both("400", "3"));
    changed_there(&rig, None, "3").await;
    set("replace: telephoneNumber\ntelephoneNumber: 4");
    rig.carried(&["run", "idp"]);
    assert_eq!(numbers(&rig).await, [("work".to_owned(), "4".to_owned())], "it was taken out there");
    let (_, writes) = rig.carried(&["run", "idp", "--full"]);
    assert_eq!(writes, [""; 0]);

    // What cannot be read is not overwritten: the attribute waits for a run that can, and the others do not.
    changed_there(&rig, Some("500"), "4").await;
    let id = rig.users().await["m0@example.test"]["id"].as_str().unwrap().to_owned();
    let path: &str = Box::leak(format!("/Users/{id}").into_boxed_str());
    for (arguments, number) in [(&["run", "idp"][..], "5"), (&["run", "idp", "--user", "m0"], "6")] {
        set(&format!(
            "replace: telephoneNumber\ntelephoneNumber: {number}\n-\nreplace: title\ntitle: title {number}"
        ));
        let before = numbers(&rig).await;
        rig.proxy.next("GET", path, Conduct::Answer(500, &[], ""));
        let run = rig.sync(arguments);
        assert!(run.code == 1 && run.out.contains(": not looked for: HTTP 500"), "{}\n{}", run.out, run.err);
        assert_eq!(numbers(&rig).await, before);
        assert_eq!(rig.users().await["m0@example.test"]["title"], format!("title {number}"));
        rig.carried(&["run", "idp"]);
        assert_eq!(numbers(&rig).await, both("500", number));
    }
}
