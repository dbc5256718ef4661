//! "Did you mean …": the known name nearest to one that is not known.

/// The candidate nearest to `unknown`, if one is near: a few letters off, or the same word in another section.
pub(crate) fn nearest<'a>(
    unknown: &str,
    candidates: impl Iterator<Item = &'a str> + Clone,
) -> Option<&'a str> {
    let last_word = |name: &'a str| name.rsplit('.').next().unwrap_or(name);
    let near = candidates
        .clone()
        .map(|candidate| (distance(unknown, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len() / 5)
        .min();
    match near {
        Some((_, candidate)) => Some(candidate),
        None => {
            let word = unknown.rsplit('.').next().unwrap_or(unknown);
            let mut same = candidates.filter(|candidate| last_word(candidate) == word);
            same.next().filter(|_| same.next().is_none())
        }
    }
}

/// How many letters must be put in, taken out or replaced to make one of the other (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (before, letter) in one.chars().enumerate() {
        let mut diagonal = before;
        let mut left = before + 1;
        let mut next = vec![left];
        for (above, of_other) in row.iter().skip(1).zip(&other) {
            let replaced = diagonal + usize::from(letter != *of_other);
            diagonal = *above;
            left = replaced.min(above + 1).min(left + 1);
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found_and_no_far_one() {
        let names = [
            "listen",
            "storage.url",
            "upstream.private",
            "catalog.private",
            "limits.drain",
        ];
        for (unknown, known) in [
            ("lisen", Some("listen")),
            ("storage.uri", Some("storage.url")),
            ("limit.drain", Some("limits.drain")),
            ("drain", Some("limits.drain")),
            ("private", None),
            ("something.else", None),
            ("", None),
        ] {
            assert_eq!(nearest(unknown, names.iter().copied()), known, "{unknown}");
        }
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
