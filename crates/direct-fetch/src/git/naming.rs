//! From a commit to its version, by the rules of the go command.
//!
//! One commit can have many legal names: its tags, and pseudo-versions after any tag before it. Which one `go` gives it
//! depends on what was asked, on the tags, on what the newest version takes back and on the `go.mod` in the commit.
//! The rules are closed, but follow from no principle that a reader could guess, so the steps here keep the order of
//! the go command's own (`cmd/go/internal/modfetch`), and a suite holds the two against each other.

use super::{
    folder::{self, ModuleFolder},
    objects::Objects,
    place::Place,
    refs::Refs,
    revision::Wish,
    versions,
};
use gix::ObjectId;
use proxy_core::{
    Timestamp,
    go_mod::GoMod,
    module::{
        Version,
        pseudo::{self, PseudoVersion, is_pseudo},
        semver,
    },
    upstream::UpstreamError,
};
use std::cmp::Ordering;

/// A commit with the name it has as a version, and where in it the module lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) version: Version,
    pub(super) time: Timestamp,
    pub(super) folder: ModuleFolder,
}

/// What naming one commit needs to know.
struct Naming<'a> {
    objects: &'a dyn Objects,
    place: &'a Place,
    refs: &'a Refs,
    wish: &'a Wish,
    commit: ObjectId,
    time: Timestamp,
    /// What the newest version takes back, once it was looked up.
    taken_back: Option<Option<GoMod>>,
}

/// Names the commit that was found for a wish.
pub(super) fn name(
    objects: &dyn Objects,
    place: &Place,
    refs: &Refs,
    wish: &Wish,
    commit: ObjectId,
) -> Result<Named, UpstreamError> {
    let time = objects.commit_time(commit)?;
    let mut naming = Naming {
        objects,
        place,
        refs,
        wish,
        commit,
        time,
        taken_back: None,
    };
    let named = naming.name()?;
    // Also of one that was not asked for: a tag in a folder may look like a pseudo-version, or be the base of its own
    // commit, and then the go command gives a name which it refuses as soon as it is asked for.
    if named.version.is_pseudo() {
        naming.check_pseudo(&named.version)?;
    }
    Ok(named)
}

impl Naming<'_> {
    fn name(&mut self) -> Result<Named, UpstreamError> {
        if let Some(asked) = Version::parse(&self.wish.asked).ok().filter(Version::is_pseudo) {
            return self.canonical(asked.as_str());
        }
        if self.refs.tags.get(&self.wish.revision) == Some(&self.commit)
            && let Some((version, true)) = self.version_of(&self.wish.revision)
        {
            match self.canonical(&version) {
                Err(UpstreamError::NotFound { .. }) => {}
                settled => return settled,
            }
        }
        let (mut highest, mut base): (Option<String>, Option<String>) = (None, None);
        let tags: Vec<String> = self.refs.tags_of(self.commit).map(str::to_owned).collect();
        for tag in &tags {
            let Some((version, canonical)) = self.version_of(tag) else {
                continue;
            };
            if !self.wish.asked.is_empty() && semver::compare(&version, &self.wish.asked) == Ordering::Equal {
                if canonical {
                    return self.canonical(&version);
                }
                base = Some(version.clone());
            }
            let higher = highest
                .as_deref()
                .is_none_or(|highest| semver::compare(highest, &version).is_lt());
            if canonical && higher && self.may_stand_for(&version)? {
                highest = Some(version);
            }
        }
        if let Some(highest) = highest {
            return self.canonical(&highest);
        }
        if base.is_none() {
            base = self.tag_before()?;
        }
        let major = self.place.major().trim_start_matches(['/', '.']);
        let major = major.strip_suffix("-unstable").unwrap_or(major);
        let short = short(self.commit);
        self.canonical(&pseudo::build(major, base.as_deref(), self.time, &short))
    }

    /// The version a tag of this module stands for, and whether it is written canonically.
    fn version_of(&self, tag: &str) -> Option<(String, bool)> {
        let name = tag.strip_prefix(&self.place.tag_prefix())?;
        if is_pseudo(tag) {
            return None;
        }
        let version = plain(name)?;
        let canonical = version == name;
        name.starts_with(&version).then_some((version, canonical))
    }

    /// Whether a version may name or precede a commit: not taken back, and of the right major version.
    fn may_stand_for(&mut self, version: &str) -> Result<bool, UpstreamError> {
        if !self.place.fits(version) && !self.may_be_incompatible(version)? {
            return Ok(false);
        }
        if self.taken_back.is_none() {
            self.taken_back = Some(versions::retractions(self.objects, self.place, self.refs)?);
        }
        let taken_back = self.taken_back.as_ref().and_then(Option::as_ref);
        Ok(!taken_back.is_some_and(|go_mod| go_mod.retracts(version)))
    }

    /// Whether a version of v2 or above may be had as `+incompatible`: no `go.mod` at the root and, unless that suffix
    /// was asked for by name, none in the folder of its major version either.
    fn may_be_incompatible(&self, version: &str) -> Result<bool, UpstreamError> {
        if !self.place.may_be_incompatible() || self.objects.file(self.commit, "go.mod")?.is_some() {
            return Ok(false);
        }
        if self.wish.asked.ends_with("+incompatible") {
            return Ok(true);
        }
        let major = semver::major(version).unwrap_or_default();
        Ok(self
            .objects
            .file(self.commit, &format!("{major}/go.mod"))?
            .is_none())
    }

    /// The highest version among the tags of this commit and all before it; the highest, not the nearest.
    fn tag_before(&mut self) -> Result<Option<String>, UpstreamError> {
        let tags: Vec<(String, ObjectId)> = self
            .refs
            .tags
            .iter()
            .map(|(tag, id)| (tag.clone(), *id))
            .collect();
        let mut before: Vec<(String, ObjectId)> = tags
            .into_iter()
            .filter_map(|(tag, id)| Some((self.version_of(&tag)?.0, id)))
            .collect();
        before.sort_by(|(a, _), (b, _)| semver::compare(b, a));
        for (version, id) in before {
            if self.may_stand_for(&version)? && self.objects.is_ancestor(id, self.commit)? {
                return Ok(Some(version));
            }
        }
        Ok(None)
    }

    /// Accepts a version for this commit, or says why it cannot be its name.
    fn canonical(&self, version: &str) -> Result<Named, UpstreamError> {
        let folder = folder::find(self.objects, self.place, self.commit)?;
        let asked = self.wish.asked.as_str();
        let mut version = version.to_owned();
        if asked.strip_suffix("+incompatible") == Some(&version) {
            version = asked.to_owned();
        }
        let base = version
            .strip_suffix("+incompatible")
            .unwrap_or(&version)
            .to_owned();
        if !self.place.fits(&base) {
            if !self.may_be_incompatible(&base)? {
                return Err(self.refused(&version, &self.major_mismatch(&base, &folder)));
            }
            version = format!("{base}+incompatible");
        } else if version.ends_with("+incompatible") {
            return Err(self.refused(
                &version,
                "+incompatible suffix not allowed: the version fits the module path",
            ));
        }
        if let Ok(canonical) = Version::parse(asked)
            && canonical.as_str().strip_suffix("+incompatible").unwrap_or(asked) != base
        {
            let tag = format!(
                "{}{}",
                self.place.tag_prefix(),
                asked.trim_end_matches("+incompatible")
            );
            return Err(self.refused(
                asked,
                &format!("resolves to version {version} ({tag} is not a tag)"),
            ));
        }
        let version = Version::parse(&version).map_err(|error| self.refused(&version, &error.to_string()))?;
        Ok(Named {
            version,
            time: self.time,
            folder,
        })
    }

    fn major_mismatch(&self, version: &str, folder: &ModuleFolder) -> String {
        let (major, path_major) = (semver::major(version).unwrap_or_default(), self.place.major());
        if folder.go_mod.is_some() && path_major.is_empty() {
            return format!(
                "module contains a go.mod file, so module path must match major version (\"{}/{major}\")",
                self.place.path
            );
        }
        let expected = if path_major.is_empty() {
            "v0 or v1"
        } else {
            &path_major[1..]
        };
        format!(
            "module path includes a major version suffix, so major version must match: expected {expected}, not {major}"
        )
    }

    /// Checks that a pseudo-version is one that `go` could have made for this commit: its hash, its time, and the tag
    /// it claims to come after (Go modules reference, "Pseudo-versions").
    fn check_pseudo(&self, version: &Version) -> Result<(), UpstreamError> {
        let refuse =
            |reason: &str| Err(self.refused(version.as_str(), &format!("invalid pseudo-version: {reason}")));
        let Some(parts) = PseudoVersion::of(version) else {
            return refuse("malformed");
        };
        let short = short(self.commit);
        if parts.rev() != short {
            let how = match parts.rev().len().cmp(&short.len()) {
                Ordering::Less => "shorter than canonical",
                Ordering::Greater => "longer than canonical",
                Ordering::Equal => "does not match",
            };
            return refuse(&format!("revision is {how} (expected {short})"));
        }
        match parts.time() {
            Err(error) => return refuse(&error.to_string()),
            Ok(time) if time != self.time => {
                return refuse(&format!(
                    "does not match version-control timestamp (expected {})",
                    pseudo::format_time(self.time)
                ));
            }
            Ok(_) => {}
        }
        // Which tag came before does not hang on whether the version fits the module's path.
        let whole = version.as_str();
        let plain = Version::parse(whole.strip_suffix("+incompatible").unwrap_or(whole)).ok();
        let base = match plain
            .as_ref()
            .and_then(PseudoVersion::of)
            .map(|parts| parts.base())
        {
            None => return refuse("malformed"),
            Some(Err(error)) => return refuse(&error.to_string()),
            Some(Ok(Some(base))) => base,
            // Of a module without a go.mod the commit may be called `v2` and so on, though not `v1`: that is `v0`.
            Some(Ok(None)) if self.place.major().is_empty() && version.major() == "v1" => {
                return refuse("major version without preceding tag must be v0, not v1");
            }
            Some(Ok(None)) => return Ok(()),
        };
        let prefix = self.place.tag_prefix();
        for tag in self.refs.tags_of(self.commit) {
            // To the letter: a tag such as `v1.0.0+meta` names nothing itself, so it may be the base of its own commit.
            // And without its folder or with none, as the go command has it.
            if tag.strip_prefix(&prefix).unwrap_or(tag) == base {
                return refuse(&format!(
                    "tag ({tag}) found on revision {short} is already canonical, so it should not be replaced with a pseudo-version"
                ));
            }
        }
        let mut known = false;
        for (tag, id) in &self.refs.tags {
            let tagged = tag.strip_prefix(&prefix).filter(|name| name.starts_with(&base));
            if tagged.is_some_and(|tagged| semver::compare(tagged, &base) == Ordering::Equal) {
                known = true;
                if self.objects.is_ancestor(*id, self.commit)? {
                    return Ok(());
                }
            }
        }
        if known {
            return refuse(&format!(
                "revision {short} is not a descendent of preceding tag ({base})"
            ));
        }
        refuse(&format!("preceding tag ({base}) not found"))
    }

    fn refused(&self, version: &str, reason: &str) -> UpstreamError {
        UpstreamError::not_found(format!("{}@{version}: {reason}", self.place.path))
    }
}

/// The first twelve digits of a commit's hash, also where hashes have 64.
pub(super) fn short(commit: ObjectId) -> String {
    commit.to_hex_with_len(12).to_string()
}

/// A full version without its build part; nothing for shorthand such as `v1.2`.
fn plain(name: &str) -> Option<String> {
    let canonical = semver::canonical(name)?;
    Some(canonical.split('+').next().unwrap_or(&canonical).to_owned())
}
