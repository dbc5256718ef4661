//! From what was asked for to a commit, as far as the refs alone can tell.

use super::{place::Place, refs::Refs};
use gix::ObjectId;
use proxy_core::module::{Query, Version, pseudo::PseudoVersion, semver};

/// What to look for in a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// The version or query, as it was asked for; empty for `latest`.
    pub asked: String,
    /// The tag, branch or commit that means.
    pub revision: String,
}

/// What the refs say of a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// This commit (or whatever the tag was put on), by this ref if a branch or tag named it.
    At(ObjectId, Option<String>),
    /// Perhaps a commit below some branch or tag whose hash begins so: only history can tell.
    PerhapsBelow(String),
    /// Two tips begin so.
    Ambiguous,
    /// Nothing of that name.
    Nothing,
}

impl Wish {
    /// What a canonical version means: its tag, or the commit a pseudo-version names.
    pub fn version(place: &Place, version: &Version) -> Self {
        let revision = match PseudoVersion::of(version) {
            Some(pseudo) => pseudo.rev().to_owned(),
            None => tag_of(place, version.as_str()),
        };
        Self {
            asked: version.as_str().to_owned(),
            revision,
        }
    }

    /// What a query means: a version that is not canonical is a tag all the same, all else is taken as it is.
    pub fn query(place: &Place, query: &Query) -> Self {
        match query {
            Query::Latest => Self {
                asked: String::new(),
                revision: "HEAD".to_owned(),
            },
            Query::Revision(asked) => {
                let pseudo = Version::parse(asked).ok();
                let pseudo = pseudo
                    .as_ref()
                    .and_then(PseudoVersion::of)
                    .map(|pseudo| pseudo.rev().to_owned());
                let revision = match pseudo {
                    Some(rev) => rev,
                    None if semver::is_valid(asked) => tag_of(place, asked),
                    None => asked.to_string(),
                };
                Self {
                    asked: asked.to_string(),
                    revision,
                }
            }
        }
    }

    /// Looks the revision up: a tag, else a branch, else `HEAD`, else the hash of a commit.
    ///
    /// Full ref names, `main~1`, `origin/main` and hashes in upper case are not understood, as `go` does not either.
    pub fn find(&self, refs: &Refs) -> Found {
        let revision = self.revision.as_str();
        if let Some(id) = refs.tags.get(revision) {
            return Found::At(*id, Some(format!("refs/tags/{revision}")));
        }
        if let Some(id) = refs.branches.get(revision) {
            return Found::At(*id, Some(format!("refs/heads/{revision}")));
        }
        if revision == "HEAD" {
            return refs.head.map_or(Found::Nothing, |id| Found::At(id, None));
        }
        let longest = refs.object_hash().map_or(0, |kind| kind.len_in_hex());
        let is_hash = (7..=longest).contains(&revision.len())
            && revision
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if !is_hash {
            return Found::Nothing;
        }
        let mut tips = refs
            .all()
            .filter(|(_, id)| id.to_hex().to_string().starts_with(revision))
            .peekable();
        let Some((name, first)) = tips.peek().cloned() else {
            // A tag that is an object of its own has a hash too.
            let mut objects = refs.tag_objects.iter();
            return match objects.find(|(object, _)| object.to_hex().to_string().starts_with(revision)) {
                Some((_, commit)) => Found::At(*commit, None),
                None => Found::PerhapsBelow(revision.to_owned()),
            };
        };
        if tips.any(|(_, id)| id != first) {
            return Found::Ambiguous;
        }
        // Of several names the first counts, `HEAD` before branches before tags. `HEAD` itself is not written down:
        // the go command fetches it by its hash, and then takes that for what was asked.
        Found::At(first, Some(name).filter(|name| name != "HEAD"))
    }
}

fn tag_of(place: &Place, version: &str) -> String {
    format!(
        "{}{}",
        place.tag_prefix(),
        version.strip_suffix("+incompatible").unwrap_or(version)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proxy_core::module::ModulePath;

    fn id(start: &str) -> ObjectId {
        ObjectId::from_hex(format!("{start:0<40}").as_bytes()).unwrap()
    }

    fn find(query: &str) -> Found {
        let refs = Refs::from_listing([
            ("HEAD", id("1111111")),
            ("refs/heads/main", id("1111111")),
            ("refs/heads/deadbeef", id("2222222")),
            ("refs/heads/v0.1.0", id("2222222")),
            ("refs/heads/feature/slash", id("aaaaaaaa1")),
            ("refs/tags/v0.1.0", id("3333333")),
            ("refs/tags/sub/v1.0.0", id("aaaaaaaa2")),
            ("refs/tags/v2.0.0", id("4444444")),
            ("refs/tags/twin", id("4444444")),
        ]);
        let place = Place::new(ModulePath::parse("e.test/r").unwrap(), "e.test/r", "").unwrap();
        Wish::query(
            &place,
            &Query::parse(query).unwrap_or_else(|_| Query::Revision(query.into())),
        )
        .find(&refs)
    }

    #[test]
    fn a_tag_comes_before_a_branch_and_a_branch_before_a_hash() {
        let at = |start: &str, name: &str| Found::At(id(start), Some(name.to_owned()));
        assert_eq!(find("v0.1.0"), at("3333333", "refs/tags/v0.1.0"));
        assert_eq!(find("deadbeef"), at("2222222", "refs/heads/deadbeef"));
        assert_eq!(find("HEAD"), Found::At(id("1111111"), None));
        assert_eq!(find("11111110"), Found::At(id("1111111"), None));
        assert_eq!(find("feature/slash"), at("aaaaaaaa1", "refs/heads/feature/slash"));
        assert_eq!(find("v2.0.0+incompatible"), at("4444444", "refs/tags/v2.0.0"));
        assert_eq!(
            find("v0.0.0-20200102030405-222222200000"),
            at("2222222", "refs/heads/deadbeef")
        );
    }

    #[test]
    fn hashes_are_seven_lower_case_digits_or_more_and_must_mean_one_commit() {
        let first = Found::At(id("4444444"), Some("refs/tags/twin".to_owned()));
        assert_eq!(find("4444444"), first, "two names for one commit");
        assert_eq!(find("aaaaaaaa"), Found::Ambiguous);
        assert_eq!(find("bbbbbbb"), Found::PerhapsBelow("bbbbbbb".to_owned()));
        for query in [
            "bbbbbb",
            "BBBBBBB",
            "refs/heads/main",
            "main~1",
            "origin/main",
            "heads/main",
            "none",
        ] {
            assert_eq!(find(query), Found::Nothing, "{query}");
        }
    }
}
