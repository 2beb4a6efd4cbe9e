//! What a person is told when something is refused: every [`Sentence`] and every [`Refusal`] in both languages,
//! exhaustively, with the stable code that the page, the log and the manual share.

use crate::authn::Refusal;
use crate::clock::Timestamp;
use crate::sso::Sentence;

use super::language::Lang;

/// One sentence in both languages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Words {
    pub(crate) en: &'static str,
    pub(crate) ja: &'static str,
}

impl Words {
    /// The sentence in `lang`.
    pub(crate) fn in_lang(self, lang: Lang) -> &'static str {
        match lang {
            Lang::En => self.en,
            Lang::Ja => self.ja,
        }
    }
}

/// What a page says above its form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Notice {
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    pub(crate) words: Words,
    /// What else is known of it.
    pub(crate) more: Option<More>,
}

/// What goes on in a sentence of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum More {
    /// When the lock ends by itself.
    EndsAt(Timestamp),
    /// How many characters a password needs.
    AtLeast(u32),
    /// When the password can be changed again.
    AgainAt(Timestamp),
}

pub(super) const fn words(en: &'static str, ja: &'static str) -> Words {
    Words { en, ja }
}

/// What `sso` refused.
pub(crate) fn sentence(sentence: Sentence) -> Words {
    match sentence {
        Sentence::Unreadable => words(
            "The application sent a sign-in request that cannot be read.",
            "アプリケーションから届いたサインイン要求を読み取れません。",
        ),
        Sentence::UnknownServiceProvider => {
            words("This application is not registered here.", "このアプリケーションは登録されていません。")
        }
        Sentence::Disabled => words(
            "Sign-in to this application is switched off.",
            "このアプリケーションへのサインインは停止されています。",
        ),
        Sentence::Signature => words(
            "The signature of the sign-in request is missing or could not be verified.",
            "サインイン要求の署名がないか、署名を確認できませんでした。",
        ),
        Sentence::Destination => words(
            "The sign-in request was meant for another address.",
            "サインイン要求の宛先がこのサーバーではありません。",
        ),
        Sentence::Time => words(
            "The time of the sign-in request cannot be accepted; please start again from the application.",
            "サインイン要求の日時を受け付けられません。アプリケーションからやり直してください。",
        ),
        Sentence::Stale => words(
            "The sign-in was started too long ago; please start again from the application.",
            "サインインの開始から時間がたちすぎています。アプリケーションからやり直してください。",
        ),
        Sentence::Acs => words(
            "The application asked for the answer at an address that is not registered.",
            "アプリケーションが指定した応答先は登録されていません。",
        ),
        Sentence::RelayState => words(
            "The application sent a RelayState that cannot be kept.",
            "アプリケーションから届いた RelayState を受け付けられません。",
        ),
        Sentence::NotAllowed => words(
            "You are signed in, but you may not use this application.",
            "サインインしていますが、このアプリケーションを利用する権限がありません。",
        ),
        Sentence::Unavailable => words(
            "This is not possible right now; please try again in a few minutes.",
            "現在処理できません。数分後にもう一度お試しください。",
        ),
        Sentence::SignOut => words(
            "The sign-out message of the application could not be accepted; please sign out on the start page.",
            "アプリケーションから届いたサインアウトのメッセージを受け付けられません。トップページからサインアウトしてください。",
        ),
        Sentence::NoRequest => words(
            "This page needs a message of an application; please start from the application.",
            "アプリケーションからの要求がありません。アプリケーションから開始してください。",
        ),
    }
}

const TICKET_OF_NO_USE: Words = words(
    "Your Windows sign-in could not be used here; please enter your user name and password.",
    "Windows のサインインはここでは利用できません。ユーザー名とパスワードを入力してください。",
);

/// A right password, too, is not tried where one more wrong one could lock the account, and nobody is told of that: the
/// advice is the same for all.
const WRONG: Words = words(
    "The user name or the password is wrong; if you are sure of both, wait some time or ask your administrator.",
    "ユーザー名またはパスワードが違います。どちらも正しい場合は、しばらく待ってからもう一度試すか、管理者にお問い合わせください。",
);

/// Why a sign-in was refused, as far as the person may know.
pub(crate) fn refusal(refusal: Refusal) -> Notice {
    let (status, code, words) = match refusal {
        Refusal::WrongCredentials => (401, "SK-CREDENTIALS", WRONG),
        Refusal::Throttled => (
            429,
            "SK-THROTTLED",
            words(
                "There were too many failed attempts; please wait a while and try again.",
                "失敗が続いたため、しばらくサインインできません。時間をおいてお試しください。",
            ),
        ),
        Refusal::Locked { until: Some(_) } => (
            401,
            "SK-LOCKED",
            words(
                "Your account is locked for a while; please try again later or ask your administrator.",
                "アカウントが一時的にロックされています。時間をおいてお試しになるか、管理者にお問い合わせください。",
            ),
        ),
        Refusal::Locked { until: None } => (
            401,
            "SK-LOCKED",
            words(
                "Your account is locked; please ask your administrator.",
                "アカウントがロックされています。管理者にお問い合わせください。",
            ),
        ),
        Refusal::Disabled => (
            401,
            "SK-DISABLED",
            words(
                "Your account is disabled; please ask your administrator.",
                "アカウントが無効になっています。管理者にお問い合わせください。",
            ),
        ),
        Refusal::AccountExpired => (
            401,
            "SK-ACCOUNT-EXPIRED",
            words(
                "Your account has expired; please ask your administrator.",
                "アカウントの有効期限が切れています。管理者にお問い合わせください。",
            ),
        ),
        Refusal::PasswordExpired { .. } => (
            401,
            "SK-PASSWORD-EXPIRED",
            words(
                "Your password has expired; change it on your computer or ask your administrator.",
                "パスワードの有効期限が切れています。パソコンで変更するか、管理者にお問い合わせください。",
            ),
        ),
        Refusal::PasswordMustChange { .. } => (
            401,
            "SK-PASSWORD-CHANGE",
            words(
                "You must change your password first, on your computer or through your administrator.",
                "先にパスワードの変更が必要です。パソコンで変更するか、管理者にお問い合わせください。",
            ),
        ),
        Refusal::LogonHours => (
            401,
            "SK-LOGON-HOURS",
            words(
                "Your account may not sign in at this time of day.",
                "この時間帯にはサインインできません。",
            ),
        ),
        Refusal::Workstation => (
            401,
            "SK-WORKSTATION",
            words("Your account may not sign in from this place.", "この端末からはサインインできません。"),
        ),
        Refusal::Ticket => (403, "SK-TICKET", TICKET_OF_NO_USE),
    };
    let until = if let Refusal::Locked { until } = refusal { until } else { None };
    Notice { status, code, words, more: until.map(More::EndsAt) }
}

/// The sign-in form was older than the browser's pre-session.
pub(crate) const FORM_TOO_OLD: Notice = Notice {
    more: None,
    status: 403,
    code: "SK-FORM-TOKEN",
    words: words(
        "The page was out of date; please sign in once more. Cookies must be allowed.",
        "ページの有効期限が切れていました。もう一度サインインしてください。Cookie を有効にする必要があります。",
    ),
};

/// The password was changed, and the sign-in with it did not go at once.
pub(crate) const PASSWORD_CHANGED: Notice = Notice {
    more: None,
    status: 200,
    code: "SK-PASSWORD-CHANGED",
    words: words(
        "Your password has been changed; please sign in with the new one.",
        "パスワードを変更しました。新しいパスワードでサインインしてください。",
    ),
};
