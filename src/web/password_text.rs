//! The words about a new password in English and Japanese: [`ChangeText`] of the pages, and why it did not work.

use crate::authn::{PasswordRefusal, Refusal};

use super::language::Lang;
use super::messages::{self, More, Notice, Words, words};

/// Every fixed word of the pages.
#[derive(Debug)]
pub(crate) struct ChangeText {
    pub(crate) title: &'static str,
    pub(crate) lead_before: &'static str,
    pub(crate) lead_after: &'static str,
    pub(crate) note: &'static str,
    pub(crate) old: &'static str,
    pub(crate) new: &'static str,
    pub(crate) again: &'static str,
    pub(crate) button: &'static str,
    pub(crate) cancel: &'static str,
    pub(crate) done: &'static str,
    pub(crate) done_note: &'static str,
    pub(crate) soon: &'static str,
    pub(crate) now: &'static str,
    pub(crate) later: &'static str,
    pub(crate) at_least: &'static str,
    pub(crate) at_least_after: &'static str,
    pub(crate) again_at: &'static str,
    pub(crate) again_at_after: &'static str,
    lang: Lang,
}

impl ChangeText {
    /// When the password ends.
    pub(crate) fn ends(&self, days: i64) -> String {
        match (self.lang, days) {
            (Lang::En, ..=0) => "Your password has come to its end.".to_owned(),
            (Lang::En, 1) => "Your password expires within a day.".to_owned(),
            (Lang::En, days) => format!("Your password expires in {days} days."),
            (Lang::Ja, ..=0) => "パスワードの有効期限が来ました。".to_owned(),
            (Lang::Ja, 1) => "パスワードの有効期限は残り 1 日以内です。".to_owned(),
            (Lang::Ja, days) => format!("パスワードの有効期限は残り {days} 日です。"),
        }
    }
}

pub(super) static EN: ChangeText = ChangeText {
    title: "Change password",
    lead_before: "to continue to ",
    lead_after: "",
    note: "You will be signed out everywhere else.",
    old: "Current password",
    new: "New password",
    again: "New password once more",
    button: "Change password",
    cancel: "Cancel",
    done: "Your password has been changed",
    done_note: "You are signed out everywhere else. Other devices that keep your password need the new one.",
    soon: "Your password expires soon",
    now: "Change now",
    later: "Later",
    at_least: "It needs at least ",
    at_least_after: " characters.",
    again_at: "It can be changed again at ",
    again_at_after: ".",
    lang: Lang::En,
};

pub(super) static JA: ChangeText = ChangeText {
    title: "パスワードの変更",
    lead_before: "",
    lead_after: " を利用するには、パスワードを変更してください。",
    note: "ほかのブラウザーや端末では、サインアウトされます。",
    old: "現在のパスワード",
    new: "新しいパスワード",
    again: "新しいパスワード（確認）",
    button: "パスワードを変更",
    cancel: "キャンセル",
    done: "パスワードを変更しました",
    done_note: "ほかのブラウザーや端末からはサインアウトされました。パスワードを保存しているほかの機器では、新しいパスワードを設定してください。",
    soon: "パスワードの有効期限が近づいています",
    now: "今すぐ変更する",
    later: "後で",
    at_least: "最低文字数: ",
    at_least_after: "",
    again_at: "次に変更できる日時: ",
    again_at_after: "",
    lang: Lang::Ja,
};

const fn notice(status: u16, code: &'static str, words: Words) -> Notice {
    Notice { status, code, words, more: None }
}

/// Why somebody comes here who wanted to sign in.
pub(super) fn due(refusal: Refusal) -> Notice {
    let words = match refusal {
        Refusal::PasswordExpired { .. } => words(
            "Your password has expired. Choose a new one.",
            "パスワードの有効期限が切れています。新しいパスワードを設定してください。",
        ),
        _ => words(
            "You must choose a new password before you go on.",
            "続けるには、新しいパスワードの設定が必要です。",
        ),
    };
    notice(200, messages::refusal(refusal).code, words)
}

/// Why the sign-in with the old password was refused; `named`: by somebody who has typed the user name too.
pub(super) fn refused(refusal: Refusal, named: bool) -> Notice {
    let notice = messages::refusal(refusal);
    let words = match (refusal, named) {
        (Refusal::WrongCredentials, true) => words(
            "The user name or the current password is wrong; if you are sure of both, wait some time or ask your administrator.",
            "ユーザー名または現在のパスワードが違います。どちらも正しい場合は、しばらく待ってからもう一度試すか、管理者にお問い合わせください。",
        ),
        (Refusal::WrongCredentials, false) => words(
            "The current password is wrong; if you are sure of it, wait some time or ask your administrator.",
            "現在のパスワードが違います。正しい場合は、しばらく待ってからもう一度試すか、管理者にお問い合わせください。",
        ),
        _ => notice.words,
    };
    Notice { words, ..notice }
}

/// The form was older than the browser's pre-session, or the session has ended since.
pub(super) const FORM_TOO_OLD: Notice = Notice {
    words: words(
        "The page was out of date; please fill it in once more. Cookies must be allowed.",
        "ページの有効期限が切れていました。もう一度入力してください。Cookie を有効にする必要があります。",
    ),
    ..messages::FORM_TOO_OLD
};

/// What can be said without the directory.
pub(super) fn of_typing(old: &str, new: &str, again: &str) -> Option<Notice> {
    if new != again {
        let words = words(
            "The two new passwords are not the same.",
            "新しいパスワードと確認用のパスワードが一致しません。",
        );
        return Some(notice(422, "SK-PASSWORD-TWICE", words));
    }
    let words = words("The new password is the old one.", "新しいパスワードが現在のパスワードと同じです。");
    (new == old).then(|| notice(422, "SK-PASSWORD-HISTORY", words))
}

/// Why the directory did not take the new password.
pub(super) fn kept(refusal: PasswordRefusal) -> Notice {
    let (code, words) = match refusal {
        PasswordRefusal::TooShort { .. } => {
            ("SK-PASSWORD-SHORT", words("The new password is too short.", "新しいパスワードが短すぎます。"))
        }
        PasswordRefusal::NotComplexEnough => (
            "SK-PASSWORD-SIMPLE",
            words(
                "The new password is too simple. Mix upper and lower case letters, digits and other characters, and leave out your name.",
                "新しいパスワードが単純すぎます。英大文字、英小文字、数字、記号を組み合わせ、お名前を含めないでください。",
            ),
        ),
        PasswordRefusal::InHistory => (
            "SK-PASSWORD-HISTORY",
            words(
                "The new password was used before, or has something in it that is not allowed. Choose another one.",
                "新しいパスワードは以前に使用されたか、使用できない語を含んでいます。別のパスワードを設定してください。",
            ),
        ),
        PasswordRefusal::TooYoung { .. } => (
            "SK-PASSWORD-YOUNG",
            words(
                "Your password was changed too short a time ago to be changed again.",
                "パスワードは最近変更されたため、まだ変更できません。",
            ),
        ),
        PasswordRefusal::Unusable => (
            "SK-PASSWORD-UNUSABLE",
            words(
                "The new password is empty, too long, or has characters that cannot be used.",
                "新しいパスワードが空か、長すぎるか、使用できない文字を含んでいます。",
            ),
        ),
        PasswordRefusal::Policy => (
            "SK-PASSWORD-POLICY",
            words(
                "The new password does not meet the rules. It may be too short or too simple, have been used before, or your password was changed too short a time ago.",
                "新しいパスワードが規則を満たしていません。短すぎる、単純すぎる、以前に使用された、または前回の変更から時間がたっていない可能性があります。",
            ),
        ),
        PasswordRefusal::NotAllowed => (
            "SK-PASSWORD-DENIED",
            words(
                "Your password cannot be changed here; please ask your administrator.",
                "パスワードをここで変更できません。管理者にお問い合わせください。",
            ),
        ),
    };
    let status = if refusal == PasswordRefusal::NotAllowed { 403 } else { 422 };
    let more = match refusal {
        PasswordRefusal::TooShort { least } => least.map(More::AtLeast),
        PasswordRefusal::TooYoung { until } => until.map(More::AgainAt),
        _ => None,
    };
    Notice { more, ..notice(status, code, words) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::web::site::Site;
    use crate::web::views::Frame;

    #[test]
    fn what_is_known_of_the_rules_is_told() {
        let site = Site::parse("https://idp.example.jp").unwrap();
        let more = |lang, refusal| Frame::new(&site, lang, "ID", None).more(&kept(refusal).more.unwrap());
        let short = PasswordRefusal::TooShort { least: Some(14) };
        assert_eq!(more(Lang::En, short), "It needs at least 14 characters.");
        assert_eq!(more(Lang::Ja, short), "最低文字数: 14");
        let young = PasswordRefusal::TooYoung { until: Timestamp::from_second(3600).ok() };
        let told = more(Lang::En, young);
        assert!(told.starts_with("It can be changed again at 1970-01-01 "), "{told}");
        assert_eq!(kept(PasswordRefusal::TooShort { least: None }).more, None);
    }

    #[test]
    fn typing_is_judged_before_anything_is_sent() {
        let code = |old, new, again| of_typing(old, new, again).map(|notice| notice.code);
        assert_eq!(code("a", "b", "c"), Some("SK-PASSWORD-TWICE"));
        assert_eq!(code("a", "a", "a"), Some("SK-PASSWORD-HISTORY"));
        assert_eq!(code("a", "b", "b"), None);
    }
}
