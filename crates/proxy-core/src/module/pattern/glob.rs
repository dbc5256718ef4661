//! The globs of Go's `path.Match`.

/// A glob, read: `*`, `?`, `[a-z]`, `[^a-z]`, and `\` before a character that means itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Glob {
    /// The first chunk matches where the text starts; each other one has a `*` before it.
    chunks: Vec<Chunk>,
    slashes: usize,
}

/// What lies between two stars.
type Chunk = Vec<Single>;

/// What matches exactly one character.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Single {
    /// This one.
    Literal(char),
    /// Any but a slash.
    Any,
    /// Any within these ranges, or any not within them.
    Class {
        ranges: Vec<(char, char)>,
        negated: bool,
    },
}

impl Glob {
    /// `None` where the glob is malformed.
    pub(super) fn parse(glob: &str) -> Option<Self> {
        let mut chunks = vec![Chunk::new()];
        let mut rest = glob.chars();
        while let Some(character) = rest.next() {
            let single = match character {
                '*' => {
                    chunks.push(Chunk::new());
                    continue;
                }
                '?' => Single::Any,
                '[' => parse_class(&mut rest)?,
                '\\' => Single::Literal(rest.next()?),
                _ => Single::Literal(character),
            };
            chunks.last_mut()?.push(single);
        }
        Some(Self {
            chunks,
            slashes: glob.matches('/').count(),
        })
    }

    /// How many path elements it describes.
    pub(super) fn elements(&self) -> usize {
        self.slashes + 1
    }

    /// Whether all of the text matches.
    pub(super) fn matches(&self, text: &str) -> bool {
        let Some((first, others)) = self.chunks.split_first() else {
            return text.is_empty();
        };
        let Some(mut rest) = strip(first, text) else {
            return false;
        };
        let Some((last, middle)) = others.split_last() else {
            return rest.is_empty();
        };
        // A star takes as little as it can: what it leaves can only be more for the stars behind it.
        for chunk in middle {
            let Some(after) = after_star(rest).find_map(|start| strip(chunk, start)) else {
                return false;
            };
            rest = after;
        }
        after_star(rest).any(|start| strip(last, start).is_some_and(str::is_empty))
    }
}

/// Where matching may go on after a star: here, and behind each character up to the next slash.
fn after_star(text: &str) -> impl Iterator<Item = &str> {
    let reach = text.find('/').unwrap_or(text.len());
    (0..=reach).filter_map(move |at| text.get(at..))
}

/// What is left of the text behind a chunk that it starts with.
fn strip<'t>(chunk: &Chunk, text: &'t str) -> Option<&'t str> {
    let mut characters = text.chars();
    chunk
        .iter()
        .all(|single| {
            characters
                .next()
                .is_some_and(|character| single.matches(character))
        })
        .then_some(())?;
    Some(characters.as_str())
}

impl Single {
    fn matches(&self, character: char) -> bool {
        match self {
            Self::Literal(literal) => character == *literal,
            Self::Any => character != '/',
            Self::Class { ranges, negated } => {
                ranges
                    .iter()
                    .any(|&(low, high)| (low..=high).contains(&character))
                    != *negated
            }
        }
    }
}

/// Reads a class behind its opening bracket.
fn parse_class(rest: &mut std::str::Chars<'_>) -> Option<Single> {
    let negated = rest.as_str().starts_with('^');
    if negated {
        rest.next();
    }
    let mut ranges = Vec::new();
    loop {
        if !ranges.is_empty() && rest.as_str().starts_with(']') {
            rest.next();
            return Some(Single::Class { ranges, negated });
        }
        let low = parse_bound(rest)?;
        let mut high = low;
        if rest.as_str().starts_with('-') {
            rest.next();
            high = parse_bound(rest)?;
        }
        ranges.push((low, high));
    }
}

fn parse_bound(rest: &mut std::str::Chars<'_>) -> Option<char> {
    match rest.next()? {
        '-' | ']' => None,
        '\\' => rest.next(),
        character => Some(character),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_match_as_in_go() {
        for (glob, text, expected) in [
            ("abc", "abc", true),
            ("", "", true),
            ("", "a", false),
            ("*", "abc", true),
            ("*", "a/c", false),
            ("*c", "abc", true),
            ("a*", "a", true),
            ("a*/b", "abc/b", true),
            ("a*/b", "a/c/b", false),
            ("a*b*c*d*e*/f", "axbxcxdxexxx/f", true),
            ("a*b?c*x", "abxbbxdbxebxczzx", true),
            ("a*b?c*x", "abxbbxdbxebxczzy", false),
            ("a?b", "a/b", false),
            ("ab[c]", "abc", true),
            ("ab[^e-g]", "abc", true),
            ("ab[e-g]", "abc", false),
            ("a[^x]b", "a/b", true),
            ("a\\*b", "a*b", true),
            ("a\\*b", "ab", false),
            ("[\\]a]", "]", true),
            ("[\\-x]", "-", true),
            ("[x-a]", "m", false),
            ("*x", "xxx", true),
            ("**x", "ax", true),
        ] {
            assert_eq!(
                Glob::parse(glob).unwrap().matches(text),
                expected,
                "{glob} {text}"
            );
        }
    }
}
