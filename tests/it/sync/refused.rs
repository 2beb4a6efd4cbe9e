//! Accounts and tokens that are refused: told as that, with what helps, wherever in a run it happens.

use super::rig::{Rig, Run};
use crate::support::scim::{ScimServer, TOKEN};
use crate::support::scim_proxy::Conduct;
use crate::support::slapd::{Copies, READER, READER_PASSWORD, Slapd};

/// What a list of nothing is.
const EMPTY: &str = r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":0}"#;
/// What proves the credentials.
const PROOF: &str = "/Users?startIndex=1&count=1";

/// Below which the people of these tests are.
const UNIT: &str = "ou=refused,dc=example,dc=test";

/// Somebody there.
fn person(uid: &str) -> String {
    format!(
        "dn: uid={uid},{UNIT}\nchangetype: add\nobjectClass: inetOrgPerson\nuid: {uid}\ncn: {uid}\nsn: {uid}\n\
         givenName: {uid}\nmail: {uid}@example.test\n\n"
    )
}

/// Two people, and a target of them.
async fn two() -> (Slapd, Rig) {
    let slapd = Slapd::start_source(Copies::Log, 0);
    slapd.modify(&format!("dn: {UNIT}\nchangetype: add\nobjectClass: organizationalUnit\nou: refused\n"));
    slapd.modify(&["aoki", "baba"].map(person).concat());
    let more = format!("search_base = \"{UNIT}\"\n");
    let rig = Rig::new(ScimServer::scim2().await, &Slapd::directory(&[&slapd]), &more).await;
    (slapd, rig)
}

/// The one line of the log that has this.
fn line<'a>(run: &'a Run, text: &str) -> &'a str {
    let mut found = run.err.lines().filter(|line| line.contains(text));
    let (first, second) = (found.next(), found.next());
    assert!(second.is_none(), "{text} twice:\n{}", run.err);
    first.unwrap_or_else(|| panic!("no {text}:\n{}\n{}", run.out, run.err))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_refused_is_told_at_the_start_of_a_run() {
    let (_slapd, rig) = two().await;
    rig.folder.write_secret("certs/token", "another\n");
    let run = rig.sync(&["run", "idp"]);
    let told = line(&run, "Binding by the token failed: HTTP 401");
    assert!(!told.contains("retry="), "{told}");
    let last = line(&run, "Synchronizing idp failed(50)");
    assert!(run.code == 1 && last.contains("sekisho sync token set"), "{}\n{last}", run.code);
    assert!(rig.writes().is_empty());
    rig.folder.write_secret("certs/token", &format!("{TOKEN}\n"));
    rig.carried(&["run", "idp"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_refused_in_the_middle_of_a_run_is_told_with_its_retries() {
    let (slapd, rig) = two().await;
    rig.carried(&["run", "idp"]);
    for (uid, retries) in [("chiba", 0), ("doi", 1)] {
        slapd.modify(&person(uid));
        rig.proxy.next("GET", PROOF, Conduct::Body(EMPTY));
        if retries > 0 {
            rig.proxy.next("POST", "/Users", Conduct::Answer(429, &["Retry-After: 1"], ""));
        }
        rig.proxy.next("POST", "/Users", Conduct::UNAUTHORIZED);
        rig.proxy.next("GET", PROOF, Conduct::UNAUTHORIZED);
        let run = rig.sync(&["run", "idp"]);
        let retry = if retries == 0 { String::new() } else { format!("retry=\"{retries}\". ") };
        let told = line(&run, "Binding by the token failed: ");
        assert!(told.contains(&format!("Binding by the token failed: {retry}HTTP 401")), "{told}");
        assert!(told.contains("code=50") && told.contains("sekisho sync token set"), "{told}");
        assert!(
            run.code == 1 && run.out.contains("stopped: HTTP 401"),
            "{}\n{}\n{}",
            run.code,
            run.out,
            run.err
        );
        assert!(rig.proxy.is_through() && !run.err.contains("Adding "), "{}", run.err);
        let (_, writes) = rig.carried(&["run", "idp"]);
        assert_eq!(writes, ["POST /Users"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_refused_for_what_an_earlier_run_left_is_not_tried_again_in_the_same_run() {
    let (slapd, rig) = two().await;
    rig.carried(&["run", "idp"]);
    slapd.modify(&person("chiba"));
    let refuse = || {
        rig.proxy.next("GET", PROOF, Conduct::Body(EMPTY));
        rig.proxy.next("POST", "/Users", Conduct::UNAUTHORIZED);
        rig.proxy.next("GET", PROOF, Conduct::UNAUTHORIZED);
    };
    refuse();
    assert_eq!(rig.sync(&["run", "idp"]).code, 1);
    assert_eq!(rig.writes(), ["POST /Users"]);
    slapd.modify(&person("doi"));
    refuse();
    let run = rig.sync(&["run", "idp"]);
    assert_eq!(run.err.matches("Binding by the token failed: ").count(), 1, "{}", run.err);
    assert!(run.code == 1 && run.out.contains("stopped: HTTP 401"), "{}\n{}", run.out, run.err);
    assert!(run.out.contains("1 operation waits for the next run\n"), "{}", run.out);
    assert!(!run.out.contains("interrupted"), "{}", run.out);
    assert_eq!(rig.writes(), ["POST /Users"], "nothing more is asked with it");
    let told = rig.sync(&["status", "idp"]).out;
    assert!(told.contains("could not begin") && told.contains("HTTP 401"), "{told}");
    let (out, writes) = rig.carried(&["run", "idp"]);
    assert!(writes == ["POST /Users"; 2] && out.contains(" Add=2(2 succeeded) "), "{writes:?}\n{out}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_refuses_the_service_account_is_not_told_as_one_that_is_out() {
    let slapd = Slapd::start_source(Copies::Log, 0);
    let directory = Slapd::directory(&[&slapd]).replace(READER_PASSWORD, "another");
    let rig = Rig::new(ScimServer::scim2().await, &directory, "").await;
    let run = rig.sync(&["run", "idp"]);
    let told = line(&run, "LDAP server refuses the service account; check bind_dn and bind_password");
    assert!(told.contains(READER) && told.contains("invalidCredentials"), "{told}");
    line(&run, &format!("Binding by {READER} failed: "));
    assert!(run.code == 1 && !run.err.contains("LDAP server is out"), "{}", run.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_refused_while_the_target_is_read_is_told_as_that() {
    const FORBIDDEN: Conduct = Conduct::Answer(403, &[], r#"{"detail":"no list"}"#);
    let (slapd, rig) = two().await;
    rig.carried(&["run", "idp"]);
    slapd.modify(&person("chiba"));
    // A list of a full run, and a question for one person.
    for (arguments, path) in [
        (&["run", "idp", "--full"][..], "/Users?startIndex=1&count=200"),
        (&["check", "idp", "--full"], "/Users?startIndex=1&count=200"),
        (&["run", "idp"], "/Users?filter"),
    ] {
        rig.proxy.next("GET", path, Conduct::UNAUTHORIZED);
        let run = rig.sync(arguments);
        line(&run, "Binding by the token failed: HTTP 401");
        let last = line(&run, "Synchronizing idp failed(50)");
        assert!(last.contains("sekisho sync token set"), "{last}");
        assert!(run.code == 1 && !run.err.contains("Searching in IDP"), "{}", run.err);
        // The credentials may be good for all else.
        rig.proxy.next("GET", path, FORBIDDEN);
        let run = rig.sync(arguments);
        line(&run, "Searching in IDP failed(50)");
        assert!(run.code == 1 && !run.err.contains("Binding by"), "{}", run.err);
        assert!(line(&run, "Synchronizing idp failed(50)").contains("HTTP 403"), "{}", run.err);
    }
    assert_eq!(rig.writes(), [""; 0]);
    let (_, writes) = rig.carried(&["run", "idp"]);
    assert_eq!(writes, ["POST /Users"]);
}
