//! What one listing of a repository's refs says.
//!
//! Only `HEAD`, branches and tags count: pull requests and other refs are invisible on purpose, as they are to `go`.

use gix::ObjectId;
use std::{borrow::Cow, collections::BTreeMap};

/// The refs of a repository at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refs {
    /// The commit `HEAD` names, if it names one.
    pub head: Option<ObjectId>,
    /// Branches, without `refs/heads/`.
    pub branches: BTreeMap<String, ObjectId>,
    /// Tags, without `refs/tags/`; an annotated tag is what it was put on.
    pub tags: BTreeMap<String, ObjectId>,
    /// Annotated tags themselves, each with what it was put on.
    pub tag_objects: BTreeMap<ObjectId, ObjectId>,
}

impl Refs {
    /// Reads a listing: full names with the objects they name; `refs/tags/v1^{}` is what the tag `v1` was put on.
    pub fn from_listing<'a>(listing: impl IntoIterator<Item = (&'a str, ObjectId)>) -> Self {
        let mut refs = Self::default();
        let mut peeled = BTreeMap::new();
        for (name, id) in listing {
            if name == "HEAD" {
                refs.head = Some(id);
            } else if let Some(branch) = name.strip_prefix("refs/heads/") {
                refs.branches.insert(branch.to_owned(), id);
            } else if let Some(tag) = name.strip_prefix("refs/tags/") {
                match tag.strip_suffix("^{}") {
                    Some(tag) => peeled.insert(tag.to_owned(), id),
                    None => refs.tags.insert(tag.to_owned(), id),
                };
            }
        }
        for (tag, commit) in peeled {
            if let Some(object) = refs.tags.insert(tag, commit) {
                refs.tag_objects.insert(object, commit);
            }
        }
        refs
    }

    /// Every ref with its full name, `HEAD` first.
    pub fn all(&self) -> impl Iterator<Item = (String, ObjectId)> + '_ {
        let head = self.head.map(|id| ("HEAD".to_owned(), id));
        let branches = self
            .branches
            .iter()
            .map(|(name, id)| (format!("refs/heads/{name}"), *id));
        let tags = self
            .tags
            .iter()
            .map(|(name, id)| (format!("refs/tags/{name}"), *id));
        head.into_iter().chain(branches).chain(tags)
    }

    /// The tips of branches and tags, each once.
    pub fn tips(&self) -> Vec<ObjectId> {
        let mut tips: Vec<_> = self
            .branches
            .values()
            .chain(self.tags.values())
            .copied()
            .collect();
        tips.sort_unstable();
        tips.dedup();
        tips
    }

    /// The commit below the tag whose hash begins so: a tag may be put on a tag, which no ref names then.
    pub fn below_tags(&self, history: &gix::Repository, start: &str) -> Option<ObjectId> {
        for (tag, commit) in &self.tag_objects {
            let mut id = *tag;
            // None is put on itself, so this ends.
            while let Ok(object) = history.find_object(id)
                && let Ok(tag) = object.try_into_tag()
                && let Ok(below) = tag.target_id()
            {
                id = below.detach();
                if id != *commit && id.to_hex().to_string().starts_with(start) {
                    return Some(*commit);
                }
            }
        }
        None
    }

    /// Whether a branch or a tag names this object, or is it.
    pub fn names(&self, id: ObjectId) -> bool {
        self.tag_objects.contains_key(&id)
            || self
                .branches
                .values()
                .chain(self.tags.values())
                .any(|tip| *tip == id)
    }

    /// The names of the tags on this commit, sorted.
    pub fn tags_of(&self, commit: ObjectId) -> impl Iterator<Item = &str> {
        self.tags
            .iter()
            .filter(move |(_, id)| **id == commit)
            .map(|(name, _)| name.as_str())
    }

    /// Whether the repository names its objects by SHA-256; `None` where it has no ref to tell by.
    pub fn object_hash(&self) -> Option<gix::hash::Kind> {
        self.head
            .or_else(|| self.tips().first().copied())
            .map(|id| id.kind())
    }
}

/// The name of a ref as text. Git takes any bytes for one, and what others were written in by hand stands for itself
/// alone: escaped, with the backslash that git has in no name, so that it is asked for by nobody and its commits are
/// found by their hashes.
pub fn name(bytes: &[u8]) -> Cow<'_, str> {
    match str::from_utf8(bytes) {
        Ok(name) => Cow::Borrowed(name),
        Err(_) => Cow::Owned(bytes.escape_ascii().to_string()),
    }
}

/// Whether a ref can be asked for by its name.
pub fn is_whole(name: &str) -> bool {
    !name.contains('\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(digit: &str) -> ObjectId {
        ObjectId::from_hex(digit.repeat(40).as_bytes()).unwrap()
    }

    #[test]
    fn branches_and_peeled_tags_count_and_nothing_else() {
        let refs = Refs::from_listing([
            ("HEAD", id("1")),
            ("refs/heads/feature/slash", id("1")),
            ("refs/pull/1/head", id("9")),
            ("refs/tags/v1.0.0^{}", id("2")),
            ("refs/tags/v1.0.0", id("8")),
            ("refs/tags/sub/v1.0.0", id("2")),
        ]);
        assert_eq!(refs.head, Some(id("1")));
        assert_eq!(
            refs.tags_of(id("2")).collect::<Vec<_>>(),
            ["sub/v1.0.0", "v1.0.0"]
        );
        assert_eq!(refs.tips(), [id("1"), id("2")]);
        assert!(
            refs.all()
                .all(|(_, id)| id != self::id("8") && id != self::id("9"))
        );
    }
}
