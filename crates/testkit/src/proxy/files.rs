//! What a GOPROXY serves of a set of modules, by path.

use super::Served;
use crate::module::{Module, escaped};
use bytes::Bytes;
use std::collections::BTreeMap;

/// The answers of a GOPROXY; zips are made when they are added.
#[derive(Debug, Default)]
pub(super) struct Files(BTreeMap<String, Served>);

impl Files {
    pub(super) fn add(&mut self, module: Module) {
        let root = format!("/{}", escaped(&module.path));
        let info = Served {
            content_type: "application/json",
            bytes: module.info(),
        };
        let go_mod = Served {
            content_type: "text/plain; charset=utf-8",
            bytes: module.go_mod(),
        };
        let zip = Served {
            content_type: "application/zip",
            bytes: module.zip(),
        };
        self.0.insert(module.url_path("zip"), zip);
        self.0.insert(module.url_path("mod"), go_mod);
        self.0.insert(module.url_path("info"), info.clone());
        // The last module added is the latest, unless it is a pre-release; pseudo-versions are never listed.
        let prerelease = module.version.contains('-');
        if !prerelease || !self.0.contains_key(&format!("{root}/@latest")) {
            self.0.insert(format!("{root}/@latest"), info);
        }
        let list = self.0.entry(format!("{root}/@v/list"));
        let list = list.or_insert(Served {
            content_type: "text/plain; charset=utf-8",
            bytes: Bytes::new(),
        });
        let line = format!("{}\n", module.version);
        let known = String::from_utf8_lossy(&list.bytes).into_owned();
        if !is_pseudo_version(&module.version) && !known.split_inclusive('\n').any(|held| held == line) {
            list.bytes = Bytes::from(known + &line);
        }
    }

    pub(super) fn name(&mut self, path: &str, query: &str, version: &str) {
        let root = format!("/{}/@v", escaped(path));
        let info = self
            .get(&format!("{root}/{}.info", escaped(version)))
            .expect("a named version is served");
        self.0.insert(format!("{root}/{}.info", escaped(query)), info);
    }

    pub(super) fn get(&self, path: &str) -> Option<Served> {
        self.0.get(path).cloned()
    }
}

impl FromIterator<Module> for Files {
    fn from_iter<I: IntoIterator<Item = Module>>(modules: I) -> Self {
        let mut files = Self::default();
        modules.into_iter().for_each(|module| files.add(module));
        files
    }
}

/// Whether a version ends like a pseudo-version: fourteen digits, a dash, a revision.
fn is_pseudo_version(version: &str) -> bool {
    let time = version
        .rsplit('-')
        .nth(1)
        .and_then(|part| part.rsplit('.').next())
        .unwrap_or("");
    time.len() == 14 && time.bytes().all(|byte| byte.is_ascii_digit())
}
