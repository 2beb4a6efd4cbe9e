//! `[mail]`: the relay for notices.

use super::super::fault::Complaint;
use super::super::reader::Section;
use super::super::secrets::secret_keys;
use super::super::values::{choice, count, text};
use super::{is_this_machine, mail_address};
use crate::outgoing::mail::{MailOptions, MailProtection};

const PROTECTIONS: &[(&str, MailProtection)] =
    &[("tls", MailProtection::Tls), ("starttls", MailProtection::StartTls), ("none", MailProtection::None)];

/// Reads `[mail]`; none where it is not there.
pub(in crate::config) fn read_mail(section: &Section<'_>) -> Option<MailOptions> {
    if !section.is_present() {
        return None;
    }
    let protection = section.or("protection", MailProtection::StartTls, choice(PROTECTIONS));
    let port = match protection {
        MailProtection::Tls => 465,
        MailProtection::StartTls => 587,
        MailProtection::None => 25,
    };
    let user = section.optional("user", text);
    let password = section.secret(secret_keys!("password"));
    if user.is_some() != password.is_some() {
        section.complain(
            "user",
            Complaint::wrong("user and password belong together", "write both, or neither"),
        );
    }
    let account = user.zip(password);
    if account.is_some() && protection == MailProtection::None {
        let remedy = "write protection = \"starttls\" or \"tls\", or take user and password out";
        section.complain("protection", Complaint::wrong("the password would be sent in clear", remedy));
    }
    let host = section.required("host", "name the mail relay", text);
    if protection == MailProtection::None && !host.is_empty() && !is_this_machine(&host) {
        section.warn(
            "protection",
            "names of people cross the network in clear",
            "write protection = \"starttls\"",
        );
    }
    Some(MailOptions {
        host,
        port: u16::try_from(section.or("port", port, count(1..=65_535))).unwrap_or(587),
        protection,
        account,
        from: section.required(
            "from",
            "write the sender's address, such as \"sekisho@example.co.jp\"",
            mail_address,
        ),
    })
}
