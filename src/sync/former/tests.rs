//! Which names are asked for, and what becomes of the answers.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use tokio::sync::{Notify, mpsc};

use super::*;
use crate::directory::DirectoryError;
use crate::directory::source::{Changes, Cursor, Flavour, SourceQuery};
use crate::identity::Attributes;
use crate::sync::options::SourceOptions;
use crate::sync::queries::Queries;
use crate::sync::scope::{Scope, ScopeOptions};
use crate::sync::structure::{ConventionOptions, Conventions};

/// A directory that only says whether names are there, by how they begin.
#[derive(Debug, Default)]
struct Fake {
    asked: Mutex<Vec<String>>,
    out: bool,
}

impl Fake {
    fn error() -> DirectoryError {
        DirectoryError::Unreachable { directory: "fake".to_owned(), cause: "out".to_owned() }
    }
}

#[async_trait]
impl Source for Fake {
    fn name(&self) -> &'static str {
        "fake"
    }

    fn base(&self) -> &'static str {
        "dc=x"
    }

    fn account(&self) -> Option<&str> {
        None
    }

    async fn flavour(&self) -> Result<Flavour, DirectoryError> {
        Err(Self::error())
    }

    async fn read(
        &self,
        _: &SourceQuery,
        _: mpsc::Sender<Vec<SourceEntry>>,
    ) -> Result<Cursor, DirectoryError> {
        Err(Self::error())
    }

    async fn changes(&self, _: &SourceQuery, _: &Cursor) -> Result<Changes, DirectoryError> {
        Err(Self::error())
    }

    async fn by_ids(&self, _: &SourceQuery, _: &[String]) -> Result<Vec<SourceEntry>, DirectoryError> {
        Err(Self::error())
    }

    async fn by_login(&self, _: &SourceQuery, _: &str) -> Result<Vec<SourceEntry>, DirectoryError> {
        Err(Self::error())
    }

    async fn there(&self, dns: &[String]) -> Result<Vec<There>, DirectoryError> {
        self.asked.lock().unwrap().extend_from_slice(dns);
        if self.out {
            return Err(Self::error());
        }
        let answer = |dn: &String| match dn.as_bytes().get(4).map(u8::to_ascii_lowercase) {
            Some(b'y') => There::Yes,
            Some(b'n') => There::No,
            _ => There::Unsure(format!("34 for {dn}")),
        };
        Ok(dns.iter().map(answer).collect())
    }

    async fn watch(&self, _: &str, _: &Notify) -> Result<(), DirectoryError> {
        Err(Self::error())
    }
}

fn names(of: &[(&str, &str)]) -> Former {
    let had = |dn: &str| Had { id: dn.to_lowercase(), dn: dn.to_owned() };
    of.iter().map(|(name, dn)| ((*name).to_owned(), had(dn))).collect()
}

fn keys(names: &Former) -> Vec<&str> {
    names.keys().map(String::as_str).collect()
}

#[tokio::test]
async fn names_are_asked_for_as_they_were_spelt_and_a_doubt_leaves_them() {
    let fake = Fake::default();
    let three = names(&[("uid=no+a", "UID=no\\2Ba"), ("uid=yes", "uid=Yes"), ("uid=?", "")]);
    let said = asked(&fake, three).await;
    assert_eq!(*fake.asked.lock().unwrap(), ["uid=?", "UID=no\\2Ba", "uid=Yes"]);
    assert_eq!((keys(&said.free), keys(&said.doubtful)), (vec!["uid=no+a"], vec!["uid=?"]));
    assert_eq!(said.doubt, Some(Doubt::Answer("34 for uid=?".to_owned())));
}

#[tokio::test]
async fn a_directory_that_does_not_answer_takes_nobody_out() {
    let fake = Fake { out: true, ..Fake::default() };
    let said = asked(&fake, names(&[("uid=no", "uid=no"), ("uid=yes", "uid=yes")])).await;
    assert_eq!((keys(&said.free), keys(&said.doubtful)), (vec![], vec!["uid=no", "uid=yes"]));
    assert!(matches!(said.doubt, Some(Doubt::Answer(cause)) if cause.contains("no server answered")));
}

#[tokio::test]
async fn more_than_a_thousand_are_not_asked_for() {
    let fake = Fake::default();
    for (count, number) in [(MOST, MOST), (MOST + 1, 0)] {
        let many = (0..count).map(|at| (format!("uid=n{at}"), Had { id: at.to_string(), dn: String::new() }));
        let said = asked(&fake, many.collect()).await;
        assert_eq!(std::mem::take(&mut *fake.asked.lock().unwrap()).len(), number);
        assert_eq!((said.free.len(), said.doubtful.len()), (number, count - number));
        assert_eq!(said.doubt.is_some(), number == 0);
    }
}

fn part(fake: &Arc<Fake>) -> Part {
    let options =
        SourceOptions { directory: "fake".to_owned(), base: None, filters: BTreeMap::new(), filter: None };
    let scope = Scope::new(ScopeOptions::default(), None).unwrap();
    let (objects, mappings) = (BTreeSet::from([ObjectType::User]), BTreeMap::new());
    Part {
        source: Arc::clone(fake) as Arc<dyn Source>,
        conventions: Conventions::new(&ConventionOptions::default(), "dc=x").unwrap(),
        queries: Queries::new((&options, Flavour::Other), "dc=x", &objects, &mappings, &scope, 1),
        scope,
    }
}

fn entry(dn: &str, members: &[&str]) -> SourceEntry {
    let attributes = [("member", members.to_vec())].into_iter().collect::<Attributes>();
    SourceEntry { id: dn.to_owned(), dn: dn.to_owned(), disabled: false, attributes }
}

#[tokio::test]
async fn for_one_person_only_the_names_of_that_person_are_asked_for() {
    let fake = Arc::new(Fake::default());
    let part = part(&fake);
    let members = ["uid=n1", "uid=y1", "uid=n2", "uid=n3"];
    let group = entry("cn=a", &members);
    let structure = Structure::build(Vec::new(), vec![group], &part.conventions);
    let had = |id: &str| Had { id: id.to_owned(), dn: String::new() };
    let kept = [("uid=n1", "uid=n3"), ("uid=y1", "uid=n3"), ("uid=n2", "other"), ("uid=n3", "another")];
    let kept = kept.map(|(name, id)| (name.to_owned(), had(id)));
    let people = [(ObjectType::User, entry("uid=n3", &[]))];
    let verdicts = verdicts_of(&part, &structure, kept.into(), &people).await;
    let structure = structure.with_verdicts(verdicts);
    assert_eq!(*fake.asked.lock().unwrap(), ["uid=n1", "uid=y1"]);
    // That of another is as it is kept, and the person's own is nobody else's.
    assert_eq!(keys(structure.former()), ["uid=n1", "uid=n2"]);
}
