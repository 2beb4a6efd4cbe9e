//! The filters that ask the person's directory give what SimpleSAMLphp's give at the same one: a slapd, and a Samba domain
//! controller.

use sekisho::authproc::{Answers, Chain, Context, FilterConfig, FilterError};
use sekisho::directory::Directory;
use sekisho::identity::{Attributes, Subject};
use serde_json::{Value, json};

use super::php;
use crate::directory::{candidate, open};
use crate::support::samba::{self, Samba};
use crate::support::slapd::{self, Slapd};

/// How SimpleSAMLphp connects.
struct Connection {
    uri: String,
    base: &'static str,
    account: &'static str,
    password: &'static str,
}

impl Connection {
    fn options(&self) -> Vec<Value> {
        vec![
            json!(["ldap.hostname", self.uri]),
            json!(["ldap.basedn", self.base]),
            json!(["ldap.username", self.account]),
            json!(["ldap.password", self.password]),
        ]
    }

    /// One filter on these attributes.
    fn case(&self, filter: &str, options: &[Value], attributes: &Value) -> Value {
        let options: Vec<Value> = self.options().into_iter().chain(options.iter().cloned()).collect();
        json!({
            "global": [[50, format!("ldap:{filter}"), { "pairs": options }]], "idp": [], "sp": [],
            "attributes": { "pairs": attributes }, "sp_attributes": null, "idp_attributes": null,
        })
    }
}

/// The pairs of name and values, as PHP takes and gives them.
fn pairs(attributes: &Attributes) -> Value {
    let texts = |values: &[sekisho::identity::Value]| {
        values.iter().map(|value| value.as_text().unwrap().to_owned()).collect::<Vec<_>>()
    };
    attributes.iter().map(|(name, values)| json!([name, texts(values)])).collect()
}

async fn ours(directory: &dyn Directory, subject: &Subject, table: &str, person: &Attributes) -> Attributes {
    let config: FilterConfig = toml::from_str(table).unwrap_or_else(|error| panic!("{table}: {error}"));
    let chain = Chain::build(&[config], &[], &[]).unwrap();
    let mut answers = Answers::new();
    loop {
        let context = Context { answers: Some(&answers), ..Context::default() };
        match chain.apply(person.clone(), &context) {
            Ok(attributes) => return attributes,
            Err(FilterError::Unanswered(question)) => {
                let answer = directory.ask(subject, &question).await.unwrap();
                answers.insert(*question, answer.into());
            }
            Err(other) => panic!("{other}"),
        }
    }
}

#[tokio::test]
async fn entries_that_a_search_finds_add_what_simplesamlphp_adds() {
    let slapd = Slapd::start();
    let directory = open(Slapd::options(&[&slapd]));
    let subject = candidate(&directory, "tanaka").await.subject.unwrap();
    let connection = Connection {
        uri: slapd.ldap_url(),
        base: slapd::BASE,
        account: slapd::READER,
        password: slapd::READER_PASSWORD,
    };
    let dn = subject.dn.clone().unwrap();
    let person: Attributes =
        [("uid", vec!["tanaka"]), ("cn", vec!["x", "営業"]), ("dn", vec![dn.as_str()]), ("o", vec!["*"])]
            .into_iter()
            .collect();
    let mut cases = Vec::new();
    let mut added = Vec::new();
    for filter in [
        "(member=%dn%)",
        "(|(cn=eng-*)(cn=営業))",
        "(&(objectClass=inetOrgPerson)(uid=%uid%))",
        "(uid=%o%)",
        "(uid=%none%)",
        "(uid=nobody)",
    ] {
        for (attributes, theirs) in [
            ("['cn']", json!([[null, "cn"]])),
            ("{ groups = 'cn' }", json!([["groups", "cn"]])),
            (
                "[{ cn = 'sn', x = 'mail' }, 'objectClass']",
                json!([["cn", "sn"], ["x", "mail"], [null, "objectClass"]]),
            ),
        ] {
            for policy in ["merge", "add", "replace"] {
                let table = format!(
                    "priority = 50\nfilter = \"ldap:AttributeAddFromLDAP\"\nsearch.filter = \"{filter}\"\n\
                     attributes = {attributes}\nattribute.policy = \"{policy}\"\n"
                );
                let options = [
                    json!(["search.filter", filter]),
                    json!(["attributes", { "pairs": theirs }]),
                    json!(["attribute.policy", policy]),
                ];
                cases.push(connection.case("AttributeAddFromLDAP", &options, &pairs(&person)));
                added.push((table.clone(), pairs(&ours(&directory, &subject, &table, &person).await)));
            }
        }
    }
    let changed = added.iter().filter(|(_, ours)| *ours != pairs(&person)).count();
    assert!(changed > 20, "{changed} of {} cases change anything: the test judges too little", added.len());
    let theirs = php::answers(&cases);
    for ((table, ours), theirs) in added.iter().zip(theirs) {
        assert_eq!(*ours, theirs, "{table}");
    }
}

/// SimpleSAMLphp leaves out the primary group, and all that hold it: they are ours beside the same.
#[tokio::test]
async fn groups_of_active_directory_are_those_of_simplesamlphp_and_the_primary_one() {
    let Some(samba) = Samba::shared() else { return };
    let directory = open(samba.options());
    let connection = Connection {
        uri: samba.ldaps_url(),
        base: samba::BASE,
        account: samba::READER,
        password: samba::SERVICE_PASSWORD,
    };
    for (login, primary) in [("alice", "Domain Users"), ("bob", "Domain Users"), ("tanaka", "Domain Users")] {
        let subject = candidate(&directory, login).await.subject.unwrap();
        let dn = subject.dn.clone().unwrap();
        let person: Attributes =
            [("distinguishedName", vec![dn.as_str()]), ("groups", vec!["a"])].into_iter().collect();
        for called in ["distinguishedName", "sAMAccountName"] {
            let options = [json!(["ldap.product", "ActiveDirectory"]), json!(["attribute.return", called])];
            let case = connection.case("AttributeAddUsersGroups", &options, &pairs(&person));
            let theirs = php::answers_at(&[case], Some(&samba.ca_file())).remove(0);
            let table = format!(
                "priority = 50\nfilter = \"ldap:AttributeAddUsersGroups\"\nattribute.return = \"{called}\"\n"
            );
            let ours = pairs(&ours(&directory, &subject, &table, &person).await);
            let groups = |all: &Value| {
                let mut groups: Vec<String> = serde_json::from_value(all[1][1].clone()).unwrap();
                groups.sort();
                groups
            };
            let theirs = groups(&theirs);
            assert!(theirs.len() > 2, "{theirs:?}");
            let mut beside = groups(&ours);
            beside.retain(|group| !theirs.contains(group));
            let is_primary =
                |group: &String| group == primary || group.starts_with(&format!("CN={primary},"));
            // "Users" of CN=Builtin holds "Domain Users".
            let holds_it = |group: &String| group == "Users" || group.starts_with("CN=Users,");
            assert!(beside.iter().any(is_primary), "{login}: {beside:?}");
            assert!(beside.iter().all(|group| is_primary(group) || holds_it(group)), "{login}: {beside:?}");
            assert_eq!(theirs.len() + beside.len(), groups(&ours).len(), "none of theirs is missing");
        }
    }
}

/// What is taken when the configuration is read, a directory takes too.
#[test]
fn filters_that_are_read_are_filters() {
    for filter in [
        "(uid=x)",
        "(&(objectClass=group)(|(member=x)(uniqueMember=x))(!(cn=a)))",
        "(member:1.2.840.113556.1.4.1941:=x)",
        "(cn=*)",
        "(cn=a*b\\\\2a)",
        "(a>=1)",
        "(a~=1)",
        "(cn;lang-ja=田中)",
        "(a=)",
    ] {
        let table = format!(
            "priority = 1\nfilter = 'AttributeAddFromLDAP'\nattributes = 'a'\nsearch_filter = \"{filter}\""
        );
        assert!(toml::from_str::<FilterConfig>(&table).is_ok(), "{filter}");
        assert!(sekisho::directory::filter::is_filter(&filter.replace("\\\\", "\\")), "{filter}");
    }
}
