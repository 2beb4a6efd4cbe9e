//! The pages of somebody who has an account: what they open, where they are signed in, their password.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use super::{Frame, PageKind, html, status};
use crate::web::messages::Notice;

/// An application on the signed-in page.
#[derive(Debug)]
pub(crate) struct Application {
    pub(crate) name: String,
    /// The path below the base URL that opens it.
    pub(crate) path: String,
}

impl Application {
    /// Stands where a logo would.
    fn initial(&self) -> String {
        self.name
            .chars()
            .find(|c| c.is_alphanumeric())
            .map(|c| c.to_uppercase().collect())
            .unwrap_or_default()
    }
}

/// The page of a signed-in person.
#[derive(Debug, Template)]
#[template(path = "home.html")]
pub(crate) struct Home<'a> {
    pub(crate) f: Frame<'a>,
    pub(crate) display_name: &'a str,
    pub(crate) login: &'a str,
    pub(crate) applications: Vec<Application>,
    /// Whether the person can change the password here.
    pub(crate) changes_password: bool,
}

impl Home<'_> {
    pub(crate) fn answer(&self) -> HttpResponse {
        html(self, StatusCode::OK, PageKind::Local)
    }
}

/// A session of the person who looks.
#[derive(Debug)]
pub(crate) struct HeldSession<'a> {
    /// Names it in the form.
    pub(crate) handle: &'a str,
    /// The one of this browser.
    pub(crate) is_own: bool,
    /// Browser and system.
    pub(crate) names: (Option<&'static str>, Option<&'static str>),
    pub(crate) address: Option<String>,
    pub(crate) began: String,
    pub(crate) used: String,
}

/// Where a person is signed in.
#[derive(Debug, Template)]
#[template(path = "sessions.html")]
pub(crate) struct HeldSessions<'a> {
    pub(crate) f: Frame<'a>,
    pub(crate) csrf: String,
    pub(crate) sessions: Vec<HeldSession<'a>>,
}

impl HeldSessions<'_> {
    pub(crate) fn answer(&self) -> HttpResponse {
        html(self, StatusCode::OK, PageKind::Local)
    }
}

/// The page for a new password.
#[derive(Debug, Template)]
#[template(path = "password.html")]
pub(crate) struct ChangePassword<'a> {
    pub(crate) f: Frame<'a>,
    /// The sealed request; empty when nobody asked.
    pub(crate) pending: &'a str,
    pub(crate) csrf: String,
    /// The application that waits.
    pub(crate) sp_name: Option<String>,
    /// Then nobody asks for the name.
    pub(crate) signed_in: bool,
    pub(crate) login: String,
    /// The path back.
    pub(crate) cancel: String,
    pub(crate) notice: Option<Notice>,
}

impl ChangePassword<'_> {
    pub(crate) fn answer(&self) -> HttpResponse {
        let status = self.notice.map_or(StatusCode::OK, |notice| status(notice.status));
        html(self, status, PageKind::LeadsToSp)
    }
}

/// The password was changed by somebody who stays signed in.
#[derive(Debug, Template)]
#[template(path = "password_changed.html")]
pub(crate) struct PasswordChanged<'a> {
    pub(crate) f: Frame<'a>,
}

impl PasswordChanged<'_> {
    pub(crate) fn answer(&self) -> HttpResponse {
        html(self, StatusCode::OK, PageKind::Local)
    }
}

/// The password ends soon.
#[derive(Debug, Template)]
#[template(path = "password_soon.html")]
pub(crate) struct PasswordSoon<'a> {
    pub(crate) f: Frame<'a>,
    pub(crate) sentence: String,
    /// The paths to the change and on.
    pub(crate) change: String,
    pub(crate) onward: String,
}

impl PasswordSoon<'_> {
    pub(crate) fn answer(&self) -> HttpResponse {
        html(self, StatusCode::OK, PageKind::LeadsToSp)
    }
}
