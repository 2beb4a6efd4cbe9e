//! [`Notices`]: mail and webhook for what an administrator has to do something about, once for each cause.

use jiff::tz::TimeZone;
use serde_json::json;

use super::options::SyncOptions;
use crate::clock::{SignedDuration, Timestamp};
use crate::outgoing::mail::{MailError, MailOptions, Mailer};
use crate::outgoing::{Ask, Credentials, Exchange, ExchangeError, ExchangeOptions, Method};

/// So long before its end the token of a target is spoken of.
const AHEAD: SignedDuration = SignedDuration::from_hours(24 * 30);

/// Why a notice was not sent.
#[derive(Debug, thiserror::Error)]
pub enum NoticeError {
    /// By mail.
    #[error(transparent)]
    Mail(#[from] MailError),
    /// To the webhook.
    #[error("the webhook: {0}")]
    Webhook(#[from] ExchangeError),
    /// The webhook did not take it.
    #[error("the webhook {url} answered with HTTP status {status}")]
    Refused {
        /// Its URL.
        url: String,
        /// What it said.
        status: u16,
    },
}

/// What was told of one target, so that each cause is told once by each way.
#[derive(Debug, Default)]
pub struct Told(Vec<Cause>);

#[derive(Debug)]
struct Cause {
    text: String,
    /// Only full runs tell of it.
    full: bool,
    mailed: bool,
    posted: bool,
}

impl Told {
    /// Takes over the causes of a run. What a run of the same kind, or a full one, does not tell of any more is over.
    fn take(&mut self, texts: Vec<String>, full: bool) {
        self.0.retain(|cause| texts.contains(&cause.text) || cause.full && !full);
        for text in texts {
            match self.0.iter_mut().find(|cause| cause.text == text) {
                Some(cause) => cause.full &= full,
                None => self.0.push(Cause { text, full, mailed: false, posted: false }),
            }
        }
    }
}

/// Who hears of one target.
#[derive(Debug)]
pub struct Notices<'a> {
    options: &'a SyncOptions,
    zone: &'a TimeZone,
    mailer: Option<Mailer>,
}

impl<'a> Notices<'a> {
    /// Connects to nobody yet. Days are those of `zone`.
    pub fn new(
        options: &'a SyncOptions,
        mail: Option<&MailOptions>,
        zone: &'a TimeZone,
    ) -> Result<Self, NoticeError> {
        let wanted = mail.filter(|_| !options.notices.mail_to.is_empty());
        Ok(Self { options, zone, mailer: wanted.map(Mailer::new).transpose()? })
    }

    /// Tells why a run held something back, stopped or failed, and of a token that ends soon; also what could not be told
    /// before. Gives why something could not be told now: mail and webhook do not wait for each other.
    pub async fn send(
        &self,
        mut texts: Vec<String>,
        full: bool,
        told: &mut Told,
        now: Timestamp,
    ) -> Vec<NoticeError> {
        texts.extend(self.token_ends(now));
        told.take(texts, full);
        let mut faults = Vec::new();
        let unmailed: Vec<&mut Cause> = told.0.iter_mut().filter(|cause| !cause.mailed).collect();
        if let Some(mailer) = self.mailer.as_ref().filter(|_| !unmailed.is_empty()) {
            match self.mail(mailer, &texts_of(&unmailed)).await {
                Ok(()) => unmailed.into_iter().for_each(|cause| cause.mailed = true),
                Err(fault) => faults.push(fault),
            }
        }
        let unposted: Vec<&mut Cause> = told.0.iter_mut().filter(|cause| !cause.posted).collect();
        if let Some(url) = self.options.notices.webhook.as_ref().filter(|_| !unposted.is_empty()) {
            match self.post(url, &texts_of(&unposted)).await {
                Ok(()) => unposted.into_iter().for_each(|cause| cause.posted = true),
                Err(fault) => faults.push(fault),
            }
        }
        faults
    }

    async fn mail(&self, mailer: &Mailer, causes: &[String]) -> Result<(), NoticeError> {
        let name = &self.options.name;
        let subject = format!("sekisho: synchronisation of {name} needs you");
        let text = format!(
            "{}\n\nThe log of sekisho has more, and `sekisho sync status {name}` shows the last runs.\n",
            causes.join("\n")
        );
        Ok(mailer.send(&self.options.notices.mail_to, &subject, text).await?)
    }

    async fn post(&self, url: &str, causes: &[String]) -> Result<(), NoticeError> {
        let plain_http = url.starts_with("http://");
        let exchange =
            Exchange::new(ExchangeOptions { plain_http, ..ExchangeOptions::default() }, &Credentials::None)?;
        let body = json!({ "target": self.options.name, "causes": causes, "text": causes.join("\n") });
        let body = Some(body.to_string().into_bytes());
        let answer = exchange.ask(Ask { method: Method::Post, url, body, if_match: None }).await?;
        if matches!(answer.status, 200..=299) {
            return Ok(());
        }
        Err(NoticeError::Refused { url: url.to_owned(), status: answer.status })
    }

    fn token_ends(&self, now: Timestamp) -> Option<String> {
        let ends = self.options.token_expires?;
        let name = &self.options.name;
        let left = ends.duration_since(now);
        (left < AHEAD).then(|| {
            format!(
                "the token of {name} ends on {}; make a new one there and write it with `sekisho sync token set {name}`",
                ends.to_zoned(self.zone.clone()).strftime("%Y-%m-%d")
            )
        })
    }
}

fn texts_of(causes: &[&mut Cause]) -> Vec<String> {
    causes.iter().map(|cause| cause.text.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(told: &mut Told, texts: &[&str], full: bool) -> Vec<String> {
        told.take(texts.iter().map(|text| (*text).to_owned()).collect(), full);
        let new: Vec<_> = told.0.iter_mut().filter(|cause| !cause.mailed).collect();
        let texts = new.iter().map(|cause| cause.text.clone()).collect();
        for cause in new {
            cause.mailed = true;
        }
        texts
    }

    #[test]
    fn what_a_full_run_held_back_is_told_once_whatever_runs_of_changes_say() {
        let mut told = Told::default();
        assert_eq!(take(&mut told, &["held"], true), ["held"]);
        assert!(take(&mut told, &[], false).is_empty());
        assert!(take(&mut told, &["held"], true).is_empty(), "it was told");
        assert!(take(&mut told, &[], true).is_empty());
        assert_eq!(take(&mut told, &["held"], true), ["held"], "it is so again");
    }

    #[test]
    fn what_a_run_of_changes_told_of_is_over_with_the_next() {
        let mut told = Told::default();
        assert_eq!(take(&mut told, &["down", "token"], false), ["down", "token"]);
        assert!(take(&mut told, &["down", "token"], true).is_empty());
        assert!(take(&mut told, &["token"], false).is_empty());
        assert_eq!(take(&mut told, &["down", "token"], false), ["down"]);
    }
}
