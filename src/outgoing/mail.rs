//! [`Mailer`]: notices to administrators by SMTP, over TLS that is verified unless the relay is on this machine.

use std::time::Duration;

use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};

use crate::secret::Secret;

/// How long one delivery to the relay may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Which relay, and as whom.
#[derive(Debug, Clone)]
pub struct MailOptions {
    /// Host name of the relay.
    pub host: String,
    /// 587 with STARTTLS, 465 with TLS, 25 on this machine.
    pub port: u16,
    /// How the connection is protected.
    pub protection: MailProtection,
    /// Name and password, where the relay wants them.
    pub account: Option<(String, Secret<String>)>,
    /// The sender.
    pub from: String,
}

/// How the connection to the relay is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailProtection {
    /// TLS from the first octet.
    Tls,
    /// STARTTLS (RFC 3207), or nothing is sent.
    StartTls,
    /// None: for a relay on this machine.
    None,
}

/// Why a notice was not sent.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// An address is none.
    #[error("\"{address}\" is no mail address: {cause}")]
    Address {
        /// As it is written.
        address: String,
        /// What is wrong.
        cause: String,
    },
    /// The message cannot be made.
    #[error("the mail cannot be written: {0}")]
    Message(String),
    /// A password would cross the network in clear.
    #[error("a password is only sent over TLS: choose \"starttls\" or \"tls\", or take the account out")]
    Clear,
    /// The relay did not take it.
    #[error("the mail relay {host} did not take the mail: {cause}")]
    Relay {
        /// The relay.
        host: String,
        /// Its words.
        cause: String,
    },
}

/// A relay that is ready to be asked.
#[derive(Debug, Clone)]
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    host: String,
    from: Mailbox,
}

/// An address as it stands in a configuration.
pub fn parse_address(written: &str) -> Result<(), MailError> {
    mailbox(written).map(drop)
}

impl Mailer {
    /// Connects to nobody yet.
    pub fn new(options: &MailOptions) -> Result<Self, MailError> {
        let relay = |cause: lettre::transport::smtp::Error| MailError::Relay {
            host: options.host.clone(),
            cause: cause.to_string(),
        };
        let parameters = || TlsParameters::new(options.host.clone()).map_err(relay);
        let tls = match options.protection {
            MailProtection::Tls => Tls::Wrapper(parameters()?),
            MailProtection::StartTls => Tls::Required(parameters()?),
            MailProtection::None if options.account.is_some() => return Err(MailError::Clear),
            MailProtection::None => Tls::None,
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&options.host)
            .port(options.port)
            .tls(tls)
            .timeout(Some(PATIENCE));
        if let Some((name, password)) = &options.account {
            builder = builder.credentials(Credentials::new(name.clone(), password.expose().clone()));
        }
        let from = mailbox(&options.from)?;
        Ok(Self { transport: builder.build(), host: options.host.clone(), from })
    }

    /// Sends a plain text to each of `to`, in one message.
    pub async fn send(&self, to: &[String], subject: &str, text: String) -> Result<(), MailError> {
        let mut message = Message::builder().from(self.from.clone()).subject(subject);
        for address in to {
            message = message.to(mailbox(address)?);
        }
        let message = message
            .header(ContentType::TEXT_PLAIN)
            .body(text)
            .map_err(|cause| MailError::Message(cause.to_string()))?;
        let sent = self.transport.send(message).await;
        sent.map(drop).map_err(|cause| MailError::Relay { host: self.host.clone(), cause: cause.to_string() })
    }
}

fn mailbox(written: &str) -> Result<Mailbox, MailError> {
    let address: Result<Address, _> = written.trim().parse();
    address
        .map(|address| Mailbox::new(None, address))
        .map_err(|cause| MailError::Address { address: written.to_owned(), cause: cause.to_string() })
}
