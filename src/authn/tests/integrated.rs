//! Whom a ticket signs in.

use super::*;
use crate::authn::{Claim, IntegratedOptions, IntegratedSignIn, Prover, TrustedHeader};
use crate::identity::AuthnContext;

impl Fixture {
    /// The directory `corp` is of these realms.
    async fn by_ticket(&self, realms: &[&str], name: &str) -> Result<Subject, Refusal> {
        let trusted = TrustedHeader {
            header: String::new(),
            proxies: vec![],
            secret_header: String::new(),
            secret: Secret::new(String::new()),
        };
        let options = IntegratedOptions {
            prover: Prover::Proxy(trusted),
            networks: vec![],
            realms: realms.iter().map(|realm| ((*realm).to_owned(), "corp".to_owned())).collect(),
            context: AuthnContext(AuthnContext::KERBEROS.to_owned()),
        };
        let integrated = IntegratedSignIn::new(options, &self.sign_in);
        let claim = Claim { name: name.as_bytes(), address: HOME.parse().unwrap(), request_id: "R1" };
        match integrated.sign_in(claim).await.unwrap() {
            Answer::SignedIn(subject) => Ok(*subject),
            Answer::Refused(refusal) => Err(refusal),
        }
    }
}

#[tokio::test]
async fn the_namesake_in_another_domain_of_the_directory_is_somebody_else() {
    let dn = Some("CN=Tanaka,OU=x,DC=example,DC=test");
    let fixture = Fixture::new(vec![Fake { dn, ..Fake::corp() }]).await;
    let forest = ["EXAMPLE.TEST", "CHILD.EXAMPLE.TEST"];
    assert!(fixture.by_ticket(&forest, "tanaka@Example.Test").await.is_ok());
    for name in ["tanaka@CHILD.EXAMPLE.TEST", "tanaka", "CHILD\\tanaka"] {
        assert_eq!(fixture.by_ticket(&forest, name).await, Err(Refusal::Ticket), "{name}");
    }
    assert_eq!(fixture.reasons(), ["signed_in", "other_realm", "unknown_realm", "unknown_realm"]);
    let flat = ["EXAMPLE.TEST", "CHILD.EXAMPLE.TEST", "CHILD"];
    assert_eq!(fixture.by_ticket(&flat, "CHILD\\tanaka").await, Err(Refusal::Ticket));
    // One realm may have another name than the entries' domain.
    for name in ["tanaka@MIT.TEST", "EXAMPLE\\tanaka", "tanaka"] {
        assert!(fixture.by_ticket(&["MIT.TEST", "EXAMPLE"], name).await.is_ok(), "{name}");
    }
    let nowhere = Fixture::new(vec![Fake::corp()]).await;
    assert_eq!(nowhere.by_ticket(&forest, "tanaka@EXAMPLE.TEST").await, Err(Refusal::Ticket));
}

/// As a right password does: strangers cannot lock out there whom they guess at.
#[tokio::test]
async fn a_ticket_makes_an_address_known() {
    let fixture = Fixture::new(vec![Fake::corp()]).await;
    assert!(fixture.by_ticket(&["EXAMPLE.TEST"], "Tanaka@EXAMPLE.TEST").await.is_ok());
    fixture.store.commit(vec![]).await.unwrap();
    for _ in 0..3 {
        assert_eq!(fixture.try_in("tanaka", "x", AWAY).await, WRONG);
    }
    assert_eq!(fixture.try_in("tanaka", "right", AWAY).await, THROTTLED);
    assert_eq!(fixture.try_in("tanaka", "right", HOME).await, None);
}

/// With each ticket a row would be written that says nothing new.
#[tokio::test]
async fn a_ticket_makes_an_address_known_once_a_day() {
    let fixture = Fixture::new(vec![Fake::corp()]).await;
    let known = async || fixture.store.known_address("corp/guid-1", HOME).await.unwrap();
    let sign_in = async || {
        assert!(fixture.by_ticket(&["EXAMPLE.TEST"], "tanaka@EXAMPLE.TEST").await.is_ok());
        fixture.store.commit(vec![]).await.unwrap();
    };
    sign_in().await;
    assert!(known().await);
    assert_eq!(fixture.store.purge(1_900_000_000_000).await.unwrap(), 2, "by person and by name");
    sign_in().await;
    assert!(!known().await, "not written again");
    fixture.clock.advance(SignedDuration::from_hours(24));
    sign_in().await;
    assert!(known().await);
}
