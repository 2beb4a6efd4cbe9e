//! The known word that is nearest to a mistyped one.

/// The word of `known` that `typed` most likely means: at most a third of its letters differ.
pub(super) fn nearest<'k>(typed: &str, known: &[&'k str]) -> Option<&'k str> {
    let typed = typed.to_lowercase();
    known
        .iter()
        .map(|word| (distance(&typed, word), *word))
        .filter(|(far, word)| *far <= (word.chars().count() / 3).max(1))
        .min_by_key(|(far, _)| *far)
        .map(|(_, word)| word)
}

/// How many letters to add, drop, change or swap with their neighbour (Damerau-Levenshtein, optimal alignment).
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    let mut last = None;
    for letter in from.chars() {
        let mut next = Vec::with_capacity(row.len());
        let mut left = row.first().map_or(1, |first| first + 1);
        next.push(left);
        for (at, wanted) in to.iter().enumerate() {
            let cell = |cells: &[usize], index: usize| cells.get(index).copied().unwrap_or(usize::MAX - 1);
            let mut fewest =
                (cell(&row, at) + usize::from(letter != *wanted)).min(cell(&row, at + 1) + 1).min(left + 1);
            let swapped =
                at.checked_sub(1).and_then(|two| to.get(two)) == Some(&letter) && last == Some(*wanted);
            if swapped {
                fewest = fewest.min(cell(&before, at - 1) + 1);
            }
            next.push(fewest);
            left = fewest;
        }
        before = std::mem::replace(&mut row, next);
        last = Some(letter);
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_meant() {
        let known = ["search_base", "login_filter", "urls", "name"];
        assert_eq!(nearest("serach_base", &known), Some("search_base"));
        assert_eq!(nearest("url", &known), Some("urls"));
        assert_eq!(nearest("Name", &known), Some("name"));
        assert_eq!(nearest("colour", &known), None);
        assert_eq!(distance("ab", "ba"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
