//! The known word nearest to a mistyped one, for errors that say what was meant.

/// The word of `known` that is at most a third of its letters away from `word`, letters' case aside.
pub fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let typed = word.to_lowercase();
    known
        .iter()
        .map(|&candidate| (distance(&typed, &candidate.to_lowercase()), candidate))
        .filter(|(steps, candidate)| *steps <= candidate.chars().count().div_ceil(3))
        .min_by_key(|(steps, _)| *steps)
        .map(|(_, candidate)| candidate)
}

/// The end of an error sentence: the nearest known word, else all of them.
pub fn hint(word: &str, known: &[&str]) -> String {
    match nearest(word, known) {
        Some(meant) => format!("did you mean \"{meant}\"?"),
        None => format!("known are: {}", known.join(", ")),
    }
}

/// Insertions, deletions and replacements between two words (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut next = vec![i + 1];
        for ((b, above), diagonal) in to.iter().zip(row.iter().skip(1)).zip(&row) {
            let left = next.last().copied().unwrap_or_default();
            next.push((left + 1).min(above + 1).min(diagonal + usize::from(a != *b)));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_levenshteins() {
        for (a, b, steps) in [("", "abc", 3), ("kitten", "sitting", 3), ("map", "map", 0), ("mpa", "map", 2)]
        {
            assert_eq!(distance(a, b), steps, "{a} {b}");
        }
    }

    #[test]
    fn the_nearest_word_is_named_or_all_are() {
        assert_eq!(nearest("AttributMap", &["AttributeAdd", "AttributeMap"]), Some("AttributeMap"));
        assert_eq!(nearest("ignorecase", &["ignore_case", "regex"]), Some("ignore_case"));
        assert_eq!(nearest("zzzz", &["map", "duplicate"]), None);
        assert_eq!(hint("zzzz", &["map", "duplicate"]), "known are: map, duplicate");
    }
}
