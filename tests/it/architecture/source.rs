//! A Rust source file as the tokens that the architecture rules look at: words and punctuation with their lines,
//! without comments, strings and characters, and without the `#[cfg(test)]` modules where a rule spares those.

/// One word or one punctuation character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub text: String,
    pub line: usize,
}

/// The tokens of `source`. `::` is one token.
pub fn tokens(source: &str) -> Vec<Token> {
    let mut scanner = Scanner { chars: source.chars().collect(), at: 0, line: 1, tokens: Vec::new() };
    while scanner.at < scanner.chars.len() {
        scanner.step();
    }
    scanner.tokens
}

struct Scanner {
    chars: Vec<char>,
    at: usize,
    line: usize,
    tokens: Vec<Token>,
}

impl Scanner {
    fn peek(&self, ahead: usize) -> char {
        self.chars.get(self.at + ahead).copied().unwrap_or('\0')
    }

    fn advance(&mut self, count: usize) {
        for _ in 0..count {
            if self.peek(0) == '\n' {
                self.line += 1;
            }
            self.at += 1;
        }
    }

    fn step(&mut self) {
        match (self.peek(0), self.peek(1)) {
            ('/', '/') => self.skip_while(|c| c != '\n'),
            ('/', '*') => self.skip_block_comment(),
            ('"', _) => self.skip_string(),
            ('\'', _) => self.skip_character_or_lifetime(),
            (':', ':') => self.push("::".to_owned(), 2),
            (c, _) if c.is_alphabetic() || c == '_' => self.word(),
            (c, _) if c.is_whitespace() => self.advance(1),
            (c, _) if c.is_numeric() => self.skip_while(char::is_alphanumeric),
            (c, _) => self.push(c.to_string(), 1),
        }
    }

    fn push(&mut self, text: String, length: usize) {
        self.tokens.push(Token { text, line: self.line });
        self.advance(length);
    }

    fn skip_while(&mut self, keep_on: impl Fn(char) -> bool) {
        while self.at < self.chars.len() && keep_on(self.peek(0)) {
            self.advance(1);
        }
    }

    /// A word, or the prefix of a string: `b"..."`, `r#"..."#`, `c"..."`; `r#type` is the word `type`.
    fn word(&mut self) {
        let start = self.at;
        let mut end = start;
        while self.chars.get(end).is_some_and(|&c| c.is_alphanumeric() || c == '_') {
            end += 1;
        }
        let text: String = self.chars[start..end].iter().collect();
        let after = self.chars.get(end).copied().unwrap_or('\0');
        match (text.as_str(), after) {
            ("r" | "br" | "cr", '"' | '#') => self.skip_raw_string(end),
            ("b" | "c", '"') => {
                self.advance(1);
                self.skip_string();
            }
            _ => self.push(text, end - start),
        }
    }

    fn skip_raw_string(&mut self, prefix_end: usize) {
        let hashes = self.chars[prefix_end..].iter().take_while(|&&c| c == '#').count();
        self.advance(prefix_end - self.at + hashes);
        if self.peek(0) != '"' {
            return;
        }
        self.advance(1);
        while self.at < self.chars.len() {
            let closed = self.peek(0) == '"' && (1..=hashes).all(|ahead| self.peek(ahead) == '#');
            self.advance(1);
            if closed {
                return self.advance(hashes);
            }
        }
    }

    fn skip_string(&mut self) {
        self.advance(1);
        while self.at < self.chars.len() && self.peek(0) != '"' {
            self.advance(if self.peek(0) == '\\' { 2 } else { 1 });
        }
        self.advance(1);
    }

    fn skip_character_or_lifetime(&mut self) {
        if self.peek(1) == '\\' {
            self.advance(3);
            self.skip_while(|c| c != '\'');
            self.advance(1);
        } else if self.peek(2) == '\'' {
            self.advance(3);
        } else {
            self.advance(1);
        }
    }

    fn skip_block_comment(&mut self) {
        let mut depth = 0;
        while self.at < self.chars.len() {
            match (self.peek(0), self.peek(1)) {
                ('/', '*') => {
                    depth += 1;
                    self.advance(2);
                }
                ('*', '/') => {
                    depth -= 1;
                    self.advance(2);
                    if depth == 0 {
                        return;
                    }
                }
                _ => self.advance(1),
            }
        }
    }
}

/// The tokens without `#[cfg(test)] mod name { ... }`.
pub fn without_tests(tokens: &[Token]) -> Vec<Token> {
    let mut kept = Vec::with_capacity(tokens.len());
    let mut rest = tokens;
    while let Some((first, after)) = rest.split_first() {
        if let Some(after_tests) = after_test_module(rest) {
            rest = after_tests;
        } else {
            kept.push(first.clone());
            rest = after;
        }
    }
    kept
}

/// Names of the modules that are declared `#[cfg(test)] mod name;` and lie in files of their own.
pub fn test_modules(tokens: &[Token]) -> Vec<&str> {
    let declarations = (0..tokens.len()).filter_map(|at| after_test_attribute(&tokens[at..]));
    declarations
        .filter_map(|rest| match rest {
            [name, end, ..] if end.text == ";" => Some(name.text.as_str()),
            _ => None,
        })
        .collect()
}

/// What follows `#[cfg(test)] mod`, with any visibility, if the tokens begin so.
fn after_test_attribute(tokens: &[Token]) -> Option<&[Token]> {
    let attribute = ["#", "[", "cfg", "(", "test", ")", "]"];
    let begins = |tokens: &[Token], words: &[&str]| {
        tokens.len() > words.len() && words.iter().zip(tokens).all(|(word, token)| token.text == *word)
    };
    if !begins(tokens, &attribute) {
        return None;
    }
    let rest = &tokens[attribute.len()..];
    let visibilities: [&[&str]; 4] =
        [&[], &["pub"], &["pub", "(", "crate", ")"], &["pub", "(", "super", ")"]];
    visibilities.iter().find_map(|visibility| {
        let rest = begins(rest, visibility).then(|| &rest[visibility.len()..])?;
        begins(rest, &["mod"]).then(|| &rest[1..])
    })
}

fn after_test_module(tokens: &[Token]) -> Option<&[Token]> {
    let rest = after_test_attribute(tokens)?;
    if rest.get(1)?.text != "{" {
        return None;
    }
    let mut depth = 0_usize;
    for (position, token) in rest.iter().enumerate() {
        match token.text.as_str() {
            "{" => depth += 1,
            "}" => depth = depth.saturating_sub(1),
            _ => continue,
        }
        if depth == 0 {
            return Some(&rest[position + 1..]);
        }
    }
    Some(&[])
}

/// A path as it is written: its segments, `use a::{b, c::d}` spread out, and the line of its first segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    pub segments: Vec<String>,
    pub line: usize,
}

/// Every path of more than one segment, groups spread out, and every single name that a `use` imports.
pub fn paths(tokens: &[Token]) -> Vec<Path> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let in_use = at > 0 && tokens[at - 1].text == "use";
        let continues = at > 0 && matches!(tokens[at - 1].text.as_str(), "." | "::");
        let joined = tokens.get(at + 1).is_some_and(|next| next.text == "::");
        if is_word(&tokens[at].text) && !continues && (in_use || joined) {
            at = spread(tokens, at, &[], &mut found);
        } else {
            at += 1;
        }
    }
    found
}

fn is_word(text: &str) -> bool {
    text.chars().next().is_some_and(|c| c.is_alphabetic() || c == '_')
}

/// Reads one path, or the group at its end, from `at`; gives back where it ends.
fn spread(tokens: &[Token], mut at: usize, prefix: &[String], found: &mut Vec<Path>) -> usize {
    let mut segments = prefix.to_vec();
    let line = tokens.get(at).map_or(0, |token| token.line);
    loop {
        match tokens.get(at) {
            Some(token) if is_word(&token.text) => segments.push(token.text.clone()),
            Some(token) if token.text == "{" && !prefix_is_open(tokens, at) => break,
            Some(token) if token.text == "{" => return spread_group(tokens, at, &segments, found),
            _ => break,
        }
        at += 1;
        if tokens.get(at).is_none_or(|token| token.text != "::") {
            break;
        }
        at += 1;
    }
    found.push(Path { segments, line });
    at
}

fn prefix_is_open(tokens: &[Token], at: usize) -> bool {
    at > 0 && tokens[at - 1].text == "::"
}

fn spread_group(tokens: &[Token], open: usize, prefix: &[String], found: &mut Vec<Path>) -> usize {
    let mut at = open + 1;
    while let Some(token) = tokens.get(at) {
        match token.text.as_str() {
            "}" => return at + 1,
            "as" => at += 2,
            text if is_word(text) => at = spread(tokens, at, prefix, found),
            _ => at += 1,
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(source: &str) -> Vec<String> {
        paths(&tokens(source)).iter().map(|path| path.segments.join("::")).collect()
    }

    #[test]
    fn groups_are_spread_out() {
        let source = "use crate::{saml::{uris, xml as x}, secret::Secret}; fn f(a: &std::fs::File) {}";
        assert_eq!(
            written(source),
            ["crate::saml::uris", "crate::saml::xml", "crate::secret::Secret", "std::fs::File"]
        );
    }

    #[test]
    fn comments_strings_and_characters_are_no_code() {
        let source = "// crate::a::b\n/* crate::c /* x */ */ const S: &str = \"crate::d\"; \
            const R: &str = r#\"crate::e \"x\" \"#; const B: char = '\\''; let l: &'a u8 = b'\"'; crate::f::g";
        assert_eq!(written(source), ["crate::f::g"]);
    }

    #[test]
    fn lines_are_those_of_the_file() {
        let tokens = tokens("a\n/* \n */ b \"\n\" c");
        assert_eq!(tokens.iter().map(|token| token.line).collect::<Vec<_>>(), [1, 3, 4]);
    }

    #[test]
    fn inline_test_modules_can_be_left_out() {
        let source = "use a::b; #[cfg(test)] mod tests { use c::d; mod deep { fn f() {} } } use e::f;";
        let rest = without_tests(&tokens(source));
        assert_eq!(paths(&rest).len(), 2);
    }

    #[test]
    fn test_modules_in_files_are_named() {
        let source = "mod a; #[cfg(test)] mod b; #[cfg(test)] pub(crate) mod c; #[cfg(test)] mod d {}";
        assert_eq!(test_modules(&tokens(source)), ["b", "c"]);
    }
}
