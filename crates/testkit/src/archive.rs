//! Text archives (Go's txtar): several files in one text, so that a fixture can be read in a diff.
//!
//! An archive is a comment, then files, each opened by a line `-- name --`. Every file ends in a newline.

/// A comment and the files behind it, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Archive {
    /// The text above the first file.
    pub comment: String,
    /// Name and content of each file.
    pub files: Vec<(String, String)>,
}

impl Archive {
    /// Reads an archive. Any text is one: without a marker line it is all comment.
    pub fn parse(text: &str) -> Self {
        let mut archive = Self::default();
        for line in text.lines() {
            match marker(line) {
                Some(name) => archive.files.push((name.to_owned(), String::new())),
                None => {
                    let part = archive
                        .files
                        .last_mut()
                        .map_or(&mut archive.comment, |(_, content)| content);
                    part.push_str(line);
                    part.push('\n');
                }
            }
        }
        archive
    }
}

/// The name in a marker line `-- name --`.
fn marker(line: &str) -> Option<&str> {
    let name = line.strip_prefix("-- ")?.strip_suffix(" --")?.trim();
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::Archive;

    #[test]
    fn files_follow_the_comment() {
        let archive = Archive::parse("about\n-- a.txt --\none\ntwo\n-- d/b.txt --\n-- not a marker\n");
        assert_eq!(archive.comment, "about\n");
        assert_eq!(
            archive.files,
            [
                ("a.txt".to_owned(), "one\ntwo\n".to_owned()),
                ("d/b.txt".to_owned(), "-- not a marker\n".to_owned())
            ]
        );
    }
}
