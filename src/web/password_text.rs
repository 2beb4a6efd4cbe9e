//! The words about a new password in English and Japanese: [`ChangeText`] of the pages, and [`Told`], why it did not work.

use crate::authn::{PasswordRefusal, Refusal};
use crate::clock::Timestamp;

use super::language::Lang;
use super::messages;

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
    lang: Lang,
}

impl ChangeText {
    /// The words of a language.
    pub(crate) fn of(lang: Lang) -> &'static Self {
        match lang {
            Lang::En => &EN,
            Lang::Ja => &JA,
        }
    }

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

static EN: ChangeText = ChangeText {
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
    lang: Lang::En,
};

static JA: ChangeText = ChangeText {
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
    lang: Lang::Ja,
};

/// A sentence above the form, with its stable code.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    pub(crate) sentence: String,
}

impl Told {
    fn new(status: u16, code: &'static str, lang: Lang, (en, ja): (&str, &str)) -> Self {
        let sentence = match lang {
            Lang::En => en,
            Lang::Ja => ja,
        };
        Self { status, code, sentence: sentence.to_owned() }
    }

    /// Why somebody comes here who wanted to sign in.
    pub(crate) fn due(lang: Lang, refusal: Refusal) -> Self {
        let words = match refusal {
            Refusal::PasswordExpired { .. } => (
                "Your password has expired. Choose a new one.",
                "パスワードの有効期限が切れています。新しいパスワードを設定してください。",
            ),
            _ => (
                "You must choose a new password before you go on.",
                "続けるには、新しいパスワードの設定が必要です。",
            ),
        };
        Self::new(200, messages::refusal(refusal).code, lang, words)
    }

    /// Why the sign-in with the old password was refused.
    pub(crate) fn refused(lang: Lang, refusal: Refusal) -> Self {
        let notice = messages::refusal(refusal);
        let told = Self::new(notice.status, notice.code, lang, (notice.words.en, notice.words.ja));
        match refusal {
            Refusal::WrongCredentials => Self::new(
                notice.status,
                notice.code,
                lang,
                (
                    "The user name or the current password is wrong.",
                    "ユーザー名または現在のパスワードが違います。",
                ),
            ),
            _ => told,
        }
    }

    /// The form was older than the browser's pre-session, or the session has ended since.
    pub(crate) fn form_too_old(lang: Lang) -> Self {
        let words = (
            "The page was out of date; please fill it in once more. Cookies must be allowed.",
            "ページの有効期限が切れていました。もう一度入力してください。Cookie を有効にする必要があります。",
        );
        Self::new(403, messages::FORM_TOO_OLD.code, lang, words)
    }

    /// What can be said without the directory.
    pub(crate) fn of_typing(lang: Lang, old: &str, new: &str, again: &str) -> Option<Self> {
        if new != again {
            let words = (
                "The two new passwords are not the same.",
                "新しいパスワードと確認用のパスワードが一致しません。",
            );
            return Some(Self::new(422, "SK-PASSWORD-TWICE", lang, words));
        }
        let words = ("The new password is the old one.", "新しいパスワードが現在のパスワードと同じです。");
        (new == old).then(|| Self::new(422, "SK-PASSWORD-HISTORY", lang, words))
    }

    /// Why the directory did not take the new password.
    pub(crate) fn kept(lang: Lang, refusal: PasswordRefusal, now: Timestamp) -> Self {
        let told = |code, en: String, ja: String| Self::new(422, code, lang, (&en, &ja));
        let plain = |code, en: &str, ja: &str| Self::new(422, code, lang, (en, ja));
        match refusal {
            PasswordRefusal::TooShort { least: Some(least) } => told(
                "SK-PASSWORD-SHORT",
                format!("The new password is too short; it needs at least {least} characters."),
                format!("新しいパスワードが短すぎます。{least} 文字以上にしてください。"),
            ),
            PasswordRefusal::TooShort { least: None } => {
                plain("SK-PASSWORD-SHORT", "The new password is too short.", "新しいパスワードが短すぎます。")
            }
            PasswordRefusal::NotComplexEnough => plain(
                "SK-PASSWORD-SIMPLE",
                "The new password is too simple. Mix upper and lower case letters, digits and other characters, and leave out your name.",
                "新しいパスワードが単純すぎます。英大文字、英小文字、数字、記号を組み合わせ、お名前を含めないでください。",
            ),
            PasswordRefusal::InHistory => plain(
                "SK-PASSWORD-HISTORY",
                "The new password was used before, or has something in it that is not allowed. Choose another one.",
                "新しいパスワードは以前に使用されたか、使用できない語を含んでいます。別のパスワードを設定してください。",
            ),
            PasswordRefusal::TooYoung { until } => match until.map(|until| hours_left(until, now)) {
                Some(hours) => told(
                    "SK-PASSWORD-YOUNG",
                    format!(
                        "Your password was changed a short time ago. It can be changed again in {hours} h."
                    ),
                    format!("パスワードは最近変更されています。次に変更できるのは約 {hours} 時間後です。"),
                ),
                None => plain(
                    "SK-PASSWORD-YOUNG",
                    "Your password was changed too short a time ago to be changed again.",
                    "パスワードは最近変更されたため、まだ変更できません。",
                ),
            },
            PasswordRefusal::Unusable => plain(
                "SK-PASSWORD-UNUSABLE",
                "The new password is empty, too long, or has characters that cannot be used.",
                "新しいパスワードが空か、長すぎるか、使用できない文字を含んでいます。",
            ),
            PasswordRefusal::Policy => plain(
                "SK-PASSWORD-POLICY",
                "The new password does not meet the rules. It may be too short or too simple, have been used before, or your password was changed too short a time ago.",
                "新しいパスワードが規則を満たしていません。短すぎる、単純すぎる、以前に使用された、または前回の変更から時間がたっていない可能性があります。",
            ),
            PasswordRefusal::NotAllowed => Self::new(
                403,
                "SK-PASSWORD-DENIED",
                lang,
                (
                    "Your password cannot be changed here; please ask your administrator.",
                    "パスワードをここで変更できません。管理者にお問い合わせください。",
                ),
            ),
        }
    }
}

/// Begun hours until then.
fn hours_left(until: Timestamp, now: Timestamp) -> i64 {
    (until.duration_since(now).as_secs().max(0) + 3599) / 3600
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_of_the_rules_is_told() {
        let now = Timestamp::UNIX_EPOCH;
        let kept = |lang, refusal| Told::kept(lang, refusal, now).sentence;
        assert!(
            kept(Lang::En, PasswordRefusal::TooShort { least: Some(14) }).contains("at least 14 characters")
        );
        assert!(kept(Lang::Ja, PasswordRefusal::TooShort { least: Some(14) }).contains("14 文字以上"));
        let until = Timestamp::from_second(3601).ok();
        assert!(kept(Lang::En, PasswordRefusal::TooYoung { until }).contains("in 2 h"));
    }

    #[test]
    fn typing_is_judged_before_anything_is_sent() {
        let code = |old, new, again| Told::of_typing(Lang::En, old, new, again).map(|told| told.code);
        assert_eq!(code("a", "b", "c"), Some("SK-PASSWORD-TWICE"));
        assert_eq!(code("a", "a", "a"), Some("SK-PASSWORD-HISTORY"));
        assert_eq!(code("a", "b", "b"), None);
    }
}
