//! Service providers as their packages are, each started by the test in a folder of its own: [`Rig`] is what the
//! matrix knows of them.

pub mod apache;
pub mod http;
pub mod idp;
pub mod mellon;
pub mod python3_saml;
pub mod shibboleth;
pub mod simplesamlphp;

use std::collections::BTreeMap;

use crate::cell::{LogOutBinding, Service, SignOn};
use crate::support::html::Page;
use idp::IdpMetadata;

/// A running service provider with many services.
pub trait Rig: Sized {
    /// What people call it.
    const NAME: &'static str;
    /// Ways to sign on that it does not have, each with the reason.
    const LACKS: &'static [(SignOn, &'static str)];
    /// Bindings of logout that it does not have, each with the reason. Redirect takes their place.
    const LACKS_LOGOUT: &'static [(LogOutBinding, &'static str)];

    /// Starts it with these services, for one IdP.
    async fn start(services: &[Service], idp: &IdpMetadata) -> Self;

    /// The metadata of a service.
    async fn metadata(&self, service: Service) -> String;

    /// A page that nobody sees without a sign-in.
    fn page(&self, service: Service) -> String;

    /// Where a click on "sign out" leads.
    fn log_out(&self, service: Service) -> String;

    /// Whether people come back to it when they signed out by [`Self::log_out`].
    fn comes_back(_: Service) -> bool {
        true
    }

    /// By which binding a service takes logout.
    fn logout(on: SignOn) -> LogOutBinding {
        let lacks = Self::LACKS_LOGOUT.iter().any(|(lacking, _)| *lacking == on.logout());
        if lacks { LogOutBinding::Redirect } else { on.logout() }
    }

    /// What the page shows to a person who is signed in.
    fn seen(&self, service: Service, page: &Page) -> Option<Seen>;

    /// What it wrote to its logs: for people who read a failure.
    fn log(&self) -> String;
}

/// What a service learned about a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub attributes: BTreeMap<String, Vec<String>>,
    pub name_id: String,
    pub format: String,
    /// What was asked for.
    pub query: String,
}
