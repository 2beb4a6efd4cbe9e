//! [`WebError`]: what goes wrong in HTTP itself or below it, as status, stable code and sentence. The page shows those
//! and the request id; the chain of causes goes into the one log line of the request ([`Failure`]).

use std::error::Error;

use actix_web::http::StatusCode;

use crate::audit::AuditError;
use crate::authn::{AuthnError, DirectoryError, HeaderFault};
use crate::password::PasswordError;
use crate::session::SessionError;
use crate::sso::logout::sessions::CustodyError;

use super::messages::Words;

/// A failure that ends a request with an error page.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WebError {
    #[error("no such page")]
    NotFound,
    #[error("method not allowed")]
    Method { allow: &'static str },
    #[error("the body is larger than {limit} octets")]
    BodyTooLarge { limit: usize },
    #[error("the query is longer than {limit} octets")]
    QueryTooLong { limit: usize },
    #[error("the body did not arrive in time or broke off")]
    BodyBroken,
    #[error("the Content-Type of the body is another than this address takes")]
    MediaType,
    #[error("the form or query is not UTF-8, has a field twice or lacks one")]
    BadForm,
    #[error("the Origin of the form is another site")]
    ForeignOrigin,
    #[error("the CSRF token does not fit the pre-session")]
    CsrfToken,
    #[error("the sign-in proxy lets through what a client sent: {0}")]
    ProxyHeader(#[from] HeaderFault),
    #[error("cannot use the session")]
    Session(#[from] SessionError),
    #[error("cannot check or change the password")]
    Authn(#[from] AuthnError),
    #[error("the password was changed, but the person's other sessions could not be ended")]
    SessionsRemain(#[source] Box<dyn Error + Send + Sync>),
    #[error("the change of the password was broken off: {0}")]
    ChangeInterrupted(String),
    #[error("passwords of this person's directory, or of all, are not changed here")]
    NoPasswordChange,
    #[error("cannot record the event")]
    Audit(#[from] AuditError),
    #[error("cannot build the answer: {0}")]
    Answer(&'static str),
}

/// What the access log says of a failed request; kept in the response.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    /// The stable code of the page.
    pub(crate) code: &'static str,
    /// The chain of causes; empty where the layer below has logged it.
    pub(crate) cause: String,
}

impl From<CustodyError> for WebError {
    fn from(error: CustodyError) -> Self {
        match error {
            CustodyError::Session(error) => Self::Session(error),
            CustodyError::Audit(error) => Self::Audit(error),
        }
    }
}

impl From<PasswordError> for WebError {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Authn(error) => Self::Authn(error),
            PasswordError::Audit(error) => Self::Audit(error),
            PasswordError::SessionsRemain(cause) => Self::SessionsRemain(cause),
            PasswordError::Interrupted(cause) => Self::ChangeInterrupted(cause),
        }
    }
}

impl WebError {
    /// The status of the page.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::NotFound | Self::NoPasswordChange => StatusCode::NOT_FOUND,
            Self::Method { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::QueryTooLong { .. } => StatusCode::URI_TOO_LONG,
            Self::BodyBroken => StatusCode::REQUEST_TIMEOUT,
            Self::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::BadForm | Self::ProxyHeader(_) => StatusCode::BAD_REQUEST,
            Self::ForeignOrigin | Self::CsrfToken => StatusCode::FORBIDDEN,
            Self::Session(_)
            | Self::Authn(_)
            | Self::Audit(_)
            | Self::SessionsRemain(_)
            | Self::ChangeInterrupted(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Answer(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The stable code of the page.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "SK-NOT-FOUND",
            Self::Method { .. } => "SK-METHOD",
            Self::BodyTooLarge { .. } | Self::QueryTooLong { .. } => "SK-TOO-LARGE",
            Self::BodyBroken => "SK-INCOMPLETE",
            Self::MediaType | Self::BadForm => "SK-FORM",
            Self::ForeignOrigin => "SK-ORIGIN",
            Self::CsrfToken => "SK-FORM-TOKEN",
            Self::ProxyHeader(_) => "SK-PROXY-HEADER",
            Self::NoPasswordChange => "SK-NO-PASSWORD-CHANGE",
            Self::Authn(error) => authn_code(error),
            Self::Session(_) => "SK-STORE",
            Self::SessionsRemain(_) => "SK-SESSIONS-REMAIN",
            Self::Audit(_) => "SK-AUDIT",
            Self::ChangeInterrupted(_) | Self::Answer(_) => "SK-INTERNAL",
        }
    }

    /// The one sentence of the page.
    pub(crate) fn words(&self) -> Words {
        let (en, ja) = match self {
            Self::NotFound => ("There is no page at this address.", "このアドレスにページはありません。"),
            Self::Method { .. } => {
                ("This address cannot be used in this way.", "このアドレスはこの方法では利用できません。")
            }
            Self::BodyTooLarge { .. } | Self::QueryTooLong { .. } => {
                ("What was sent is too large.", "送信された内容が大きすぎます。")
            }
            Self::BodyBroken => {
                ("What was sent did not arrive completely.", "送信された内容が最後まで届きませんでした。")
            }
            Self::MediaType | Self::BadForm => {
                ("What was sent could not be read.", "送信された内容を読み取れませんでした。")
            }
            Self::ForeignOrigin => (
                "The form was sent from another site and was not accepted.",
                "別のサイトから送信されたため、受け付けませんでした。",
            ),
            Self::CsrfToken => (
                "The page was out of date; please go back, reload it and try again.",
                "ページの有効期限が切れています。前のページを再読み込みしてやり直してください。",
            ),
            Self::ProxyHeader(_) => (
                "Your Windows sign-in did not arrive unambiguously and was not accepted.",
                "Windows のサインインの情報を一意に確認できないため、受け付けませんでした。",
            ),
            Self::NoPasswordChange => (
                "Passwords cannot be changed here; use the way that your company has for it.",
                "ここではパスワードを変更できません。社内で決められた方法で変更してください。",
            ),
            Self::SessionsRemain(_) => (
                "Your password was changed, but you could not be signed out elsewhere; please tell your administrator.",
                "パスワードは変更されましたが、ほかのブラウザーや端末からサインアウトできませんでした。管理者にお知らせください。",
            ),
            Self::Authn(AuthnError::Directory(DirectoryError::ChangeUnanswered { .. })) => (
                "The user directory did not answer in time; your password may have been changed or not. Try the new one first.",
                "ユーザーディレクトリーから応答がありませんでした。パスワードが変更されたかどうか確認できません。まず新しいパスワードでお試しください。",
            ),
            Self::Authn(AuthnError::Directory(_)) => (
                "The user directory does not answer; please try again in a few minutes.",
                "ユーザーディレクトリーが応答していません。数分後にもう一度お試しください。",
            ),
            Self::Session(_) | Self::Authn(AuthnError::Store(_) | AuthnError::Audit(_)) | Self::Audit(_) => (
                "This is not possible right now; please try again in a few minutes.",
                "現在処理できません。数分後にもう一度お試しください。",
            ),
            Self::Authn(AuthnError::Interrupted(_)) | Self::ChangeInterrupted(_) | Self::Answer(_) => (
                "Something went wrong on our side; please try again.",
                "サーバーで問題が発生しました。もう一度お試しください。",
            ),
        };
        Words { en, ja }
    }

    /// For the log: this error and everything under it.
    pub(crate) fn failure(&self) -> Failure {
        let mut cause = self.to_string();
        let mut below = self.source();
        while let Some(error) = below {
            cause.push_str(": ");
            cause.push_str(&error.to_string());
            below = error.source();
        }
        Failure { code: self.code(), cause }
    }
}

fn authn_code(error: &AuthnError) -> &'static str {
    match error {
        AuthnError::Store(_) => "SK-STORE",
        AuthnError::Directory(_) => "SK-DIRECTORY",
        AuthnError::Audit(_) => "SK-AUDIT",
        AuthnError::Interrupted(_) => "SK-INTERNAL",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_has_the_cause_and_the_page_has_not() {
        let cause = std::io::Error::other("disk full");
        let fault = AuditError { target: "/var/log/audit.jsonl".to_owned(), cause };
        let error = WebError::from(AuthnError::Audit(fault));
        assert_eq!((error.status(), error.code()), (StatusCode::SERVICE_UNAVAILABLE, "SK-AUDIT"));
        assert!(error.failure().cause.contains("/var/log/audit.jsonl"));
        assert!(!error.words().en.contains("audit") && !error.words().en.contains("password"));
    }

    #[test]
    fn a_fault_is_told_alike_whether_a_password_was_proved_or_changed() {
        let (directory, cause) = ("corp".to_owned(), "gone".to_owned());
        let gone = AuthnError::Directory(DirectoryError::Unreachable { directory, cause });
        let error = WebError::from(PasswordError::Authn(gone));
        assert!(matches!(error, WebError::Authn(AuthnError::Directory(_))) && error.code() == "SK-DIRECTORY");
        let remain = WebError::from(PasswordError::SessionsRemain("disk full".into())).failure();
        assert_eq!((remain.code, remain.cause.matches("disk full").count()), ("SK-SESSIONS-REMAIN", 1));
    }
}
