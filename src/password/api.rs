//! [`PasswordApi`]: a program of the company's, such as a SaaS that people change their password at, sets it here too.
//!
//! The program proves itself by binding to the directory as an account that `callers` lists; the directory decides what
//! that account may do. Wrong callers are throttled like a sign-in. The words of the log are those that administrators
//! know from the server that was here before.

use std::net::IpAddr;
use std::sync::Arc;

use tracing::Instrument;

use super::rate::Rate;
use super::{PasswordError, Passwords};
use crate::audit::{Event, Record};
use crate::authn::{AuthnError, Leave, plain};
use crate::directory::dn::Dn;
use crate::directory::{
    Administrator, Directory, DirectoryError, Login, NoPerson, PasswordRefusal, PasswordReset,
};
use crate::identity::Subject;
use crate::secret::Secret;

/// What `[password_api]` says.
#[derive(Debug, Clone)]
pub struct ApiOptions {
    /// The accounts that may call.
    pub callers: Vec<Dn>,
    /// Only people at or below this DN; none: below the directory's own `search_base`.
    pub search_base: Option<Dn>,
    /// Calls a minute.
    pub calls_per_minute: u32,
}

/// Sets passwords for programs.
#[derive(Debug, Clone)]
pub struct PasswordApi(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    options: ApiOptions,
    directory: Arc<dyn Directory>,
    passwords: Passwords,
    rate: Rate,
}

/// One call.
#[derive(Debug)]
pub struct Call {
    /// The account that sets the password.
    pub bind_dn: String,
    /// Its password.
    pub bind_password: Secret<String>,
    /// Whose password it is.
    pub login: String,
    /// The new one.
    pub password: Secret<String>,
    /// Where the call comes from.
    pub address: IpAddr,
    /// The id that answer, log and audit share.
    pub request_id: String,
}

/// What the program is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiAnswer {
    /// The new password counts.
    Changed,
    /// The account is not listed, or its password is wrong; which of them is not said.
    CallerDenied,
    /// Too many wrong tries, or too many calls.
    TooMany,
    /// What was sent cannot be used.
    Parameter,
    /// The caller is who it says; the password stays as it was.
    Failed(Detail),
}

/// Why the password stays as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// The login name means nobody.
    NoPerson(NoPerson),
    /// The account is one of administrators, services or computers.
    Privileged,
    /// The directory did not take it.
    Refused(PasswordRefusal),
}

impl Detail {
    /// The stable word of the audit trail.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoPerson(NoPerson::Unknown) => "unknown",
            Self::NoPerson(NoPerson::Ambiguous) => "ambiguous",
            Self::NoPerson(NoPerson::Outside) => "outside",
            Self::Privileged => "privileged",
            Self::Refused(refusal) => refusal.as_str(),
        }
    }

    /// What comes after `Changing password failed: `.
    pub fn told(self) -> String {
        let text = match self {
            Self::NoPerson(NoPerson::Unknown) => "there is no user of this login name",
            Self::NoPerson(NoPerson::Ambiguous) => "more than one user has this login name",
            Self::NoPerson(NoPerson::Outside) => "the user is not below the search base",
            Self::Privileged => "the account is privileged",
            Self::Refused(PasswordRefusal::TooShort { least: Some(least) }) => {
                return format!("the password is too short; it needs at least {least} characters");
            }
            Self::Refused(PasswordRefusal::TooShort { least: None }) => "the password is too short",
            Self::Refused(PasswordRefusal::NotComplexEnough) => "the password is not complex enough",
            Self::Refused(PasswordRefusal::InHistory) => "the password was used before",
            Self::Refused(PasswordRefusal::TooYoung { .. }) => "the password was changed too recently",
            Self::Refused(PasswordRefusal::Unusable) => {
                "the password has characters that cannot be used, or too many"
            }
            Self::Refused(PasswordRefusal::Policy) => {
                "the password does not meet the policy of the directory"
            }
            Self::Refused(PasswordRefusal::NotAllowed) => "the bind DN may not set the password of this user",
        };
        text.to_owned()
    }
}

impl PasswordApi {
    /// Sets passwords in `directory`.
    pub fn new(options: ApiOptions, directory: Arc<dyn Directory>, passwords: Passwords) -> Self {
        let rate = Rate::new(options.calls_per_minute);
        tracing::info!(
            directory = directory.name(),
            callers = options.callers.len(),
            "Set password configuration"
        );
        Self(Arc::new(Inner { options, directory, passwords, rate }))
    }

    /// Sets a password. The work goes on when the caller goes away.
    pub async fn set(&self, call: Call) -> Result<ApiAnswer, PasswordError> {
        let inner = Arc::clone(&self.0);
        let work = tokio::spawn(async move { inner.set(&call).await }.in_current_span());
        work.await.unwrap_or_else(|cause| Err(PasswordError::Interrupted(cause.to_string())))
    }

    /// Writes to the audit trail that a call was refused before it was looked at.
    pub fn refuse(&self, caller: &str, reason: &str, request: (&str, IpAddr)) -> Result<(), PasswordError> {
        self.0.refuse(caller, reason, request)
    }
}

/// What the directory logs on the way has the id of the call too.
fn of_request(call: &Call) -> tracing::Span {
    tracing::info_span!("password_api", request.id = %call.request_id)
}

impl Inner {
    async fn set(&self, call: &Call) -> Result<ApiAnswer, PasswordError> {
        let request = (call.request_id.as_str(), call.address);
        if !self.rate.take(self.passwords.clock.now()) {
            self.refuse(&call.bind_dn, "rate", request)?;
            return Ok(ApiAnswer::TooMany);
        }
        let Some(login) = Login::parse(&call.login) else { return Ok(ApiAnswer::Parameter) };
        // Spellings of one account are counted together; what is no DN is wrong, and counted for all.
        let dn = Dn::parse(&call.bind_dn);
        let name = dn.as_ref().map_or_else(|| "no DN".to_owned(), Dn::folded);
        let is_listed = dn.is_some_and(|dn| self.options.callers.contains(&dn));
        let account = is_listed.then(|| (self.directory.as_ref(), call.bind_dn.as_str()));
        let leave = match self.passwords.sign_in.admit(&name, call.address, account).await {
            Ok(Some(leave)) => leave,
            Ok(None) => {
                self.refuse(&call.bind_dn, "throttled", request)?;
                return Ok(ApiAnswer::TooMany);
            }
            Err(error) => {
                self.failed(call, &login, "directory_unavailable")?;
                return Err(error.into());
            }
        };
        if !is_listed {
            return self.deny(leave, call, "not_listed").await;
        }
        let by = Administrator {
            dn: &call.bind_dn,
            password: &call.bind_password,
            base: self.options.search_base.as_ref(),
            spared: &self.options.callers,
        };
        let reset = match self
            .directory
            .reset_password(&by, &login, &call.password)
            .instrument(of_request(call))
            .await
        {
            Ok(reset) => reset,
            Err(error) => {
                if matches!(error, DirectoryError::Unanswered { .. }) {
                    leave.unanswered().await?;
                }
                self.failed(call, &login, "directory_unavailable")?;
                return Err(AuthnError::from(error).into());
            }
        };
        let detail = match reset {
            PasswordReset::AdministratorDenied(reason) => {
                return self.deny(leave, call, reason.as_str()).await;
            }
            PasswordReset::Changed(subject) => {
                leave.right().await?;
                return self.changed(call, &subject).await;
            }
            PasswordReset::NoPerson(nobody) => Detail::NoPerson(nobody),
            PasswordReset::Privileged => Detail::Privileged,
            PasswordReset::Refused(refusal) => Detail::Refused(refusal),
        };
        leave.right().await?;
        tracing::warn!(
            request.id = %call.request_id, login = plain(login.as_str()), bind_dn = plain(&call.bind_dn),
            client.address = %call.address, "Changing password failed: {}", detail.told()
        );
        self.failed(call, &login, detail.as_str())?;
        Ok(ApiAnswer::Failed(detail))
    }

    async fn deny(&self, leave: Leave, call: &Call, reason: &str) -> Result<ApiAnswer, PasswordError> {
        let counted = leave.wrong().await;
        self.refuse(&call.bind_dn, reason, (&call.request_id, call.address))?;
        counted?;
        Ok(ApiAnswer::CallerDenied)
    }

    async fn changed(&self, call: &Call, subject: &Subject) -> Result<ApiAnswer, PasswordError> {
        let (id, login) = (subject.id.to_string(), plain(&subject.login));
        tracing::info!(
            request.id = %call.request_id, subject.id = %plain(&id), bind_dn = plain(&call.bind_dn),
            client.address = %call.address, "Changing password succeeded"
        );
        let by = plain(&call.bind_dn);
        self.record(Event::PasswordChanged { subject: plain(&id), login, by }, call)?;
        // Whoever knew the old password loses what it opened. The new one counts whatever comes of that.
        let request = (call.request_id.as_str(), call.address);
        if let Err(cause) = self.passwords.end_others(&subject.id, "", request).await {
            tracing::error!(request.id = %call.request_id, "{cause}");
        }
        Ok(ApiAnswer::Changed)
    }

    fn failed(&self, call: &Call, login: &Login, reason: &str) -> Result<(), PasswordError> {
        let (login, by, reason) = (plain(login.as_str()), plain(&call.bind_dn), reason.to_owned());
        self.record(Event::PasswordChangeRefused { subject: None, login, by, reason }, call)
    }

    fn refuse(
        &self,
        caller: &str,
        reason: &str,
        (request_id, address): (&str, IpAddr),
    ) -> Result<(), PasswordError> {
        let caller = plain(caller);
        tracing::warn!(request.id = %request_id, client.address = %address, caller, reason, "password API: refused");
        let event = Event::PasswordApiRefused { caller, reason: reason.to_owned() };
        self.write(event, request_id, address)
    }

    fn record(&self, event: Event, call: &Call) -> Result<(), PasswordError> {
        self.write(event, &call.request_id, call.address)
    }

    fn write(&self, event: Event, request_id: &str, address: IpAddr) -> Result<(), PasswordError> {
        let (time, request_id) = (self.passwords.clock.now(), request_id.to_owned());
        let record = Record { time, request_id, client_address: Some(address), event };
        Ok(self.passwords.audit.write(&record)?)
    }
}
