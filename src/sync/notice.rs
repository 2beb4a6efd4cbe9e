//! [`Notices`]: mail and webhook for what an administrator has to do something about, once for each cause.

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

/// Who hears of one target.
#[derive(Debug)]
pub struct Notices<'a> {
    options: &'a SyncOptions,
    mailer: Option<Mailer>,
}

impl<'a> Notices<'a> {
    /// Connects to nobody yet.
    pub fn new(options: &'a SyncOptions, mail: Option<&MailOptions>) -> Result<Self, NoticeError> {
        let wanted = mail.filter(|_| !options.notices.mail_to.is_empty());
        Ok(Self { options, mailer: wanted.map(Mailer::new).transpose()? })
    }

    /// Tells why a run held something back, stopped or failed, and of a token that ends soon. `before`: what was told
    /// already; what is told now, or was before and still holds, is returned.
    pub async fn send(
        &self,
        mut all: Vec<String>,
        before: &[String],
        now: Timestamp,
    ) -> Result<Vec<String>, NoticeError> {
        all.extend(self.token_ends(now));
        let causes: Vec<&str> =
            all.iter().filter(|cause| !before.contains(cause)).map(String::as_str).collect();
        if causes.is_empty() {
            return Ok(all);
        }
        let name = &self.options.name;
        if let Some(mailer) = &self.mailer {
            let subject = format!("sekisho: synchronisation of {name} needs you");
            let text = format!("{}\n\n`sekisho sync status {name}` shows more.\n", causes.join("\n"));
            mailer.send(&self.options.notices.mail_to, &subject, text).await?;
        }
        if let Some(url) = &self.options.notices.webhook {
            let plain_http = url.starts_with("http://");
            let exchange = Exchange::new(
                ExchangeOptions { plain_http, ..ExchangeOptions::default() },
                &Credentials::None,
            )?;
            let body = json!({ "target": name, "causes": causes, "text": causes.join("\n") });
            let body = Some(body.to_string().into_bytes());
            let answer = exchange.ask(Ask { method: Method::Post, url, body, if_match: None }).await?;
            if !matches!(answer.status, 200..=299) {
                return Err(NoticeError::Refused { url: url.clone(), status: answer.status });
            }
        }
        Ok(all)
    }

    fn token_ends(&self, now: Timestamp) -> Option<String> {
        let ends = self.options.token_expires?;
        let name = &self.options.name;
        let left = ends.duration_since(now);
        (left < AHEAD).then(|| {
            format!(
                "the token of {name} ends on {}; make a new one there and write it with `sekisho sync token set {name}`",
                ends.strftime("%Y-%m-%d")
            )
        })
    }
}
