//! An origin in the same process: it serves modules, counts every question, and can be down, hang, or wait.

use async_trait::async_trait;
use proxy_core::{
    file::{Body, Kind},
    info::Info,
    module::{ModulePath, ModuleVersion, Query, Version},
    upstream::{FetchContext, Fetched, Incoming, Upstream, UpstreamError, Wanted},
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};
use testkit::module::Module;
use tokio::sync::watch;

/// Serves modules from memory.
#[derive(Debug)]
pub(crate) struct Origin {
    modules: Mutex<BTreeMap<String, Module>>,
    branches: Mutex<BTreeMap<String, String>>,
    asked: Mutex<Vec<String>>,
    mood: watch::Sender<Mood>,
}

/// How the origin feels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    /// It answers.
    Well,
    /// It fails at once.
    Down,
    /// It answers nothing until its mood changes.
    Hanging,
}

impl Origin {
    pub(crate) fn with(modules: &[Module]) -> Arc<Self> {
        let origin = Self {
            modules: Mutex::default(),
            branches: Mutex::default(),
            asked: Mutex::default(),
            mood: watch::Sender::new(Mood::Well),
        };
        modules.iter().for_each(|module| origin.publish(module.clone()));
        Arc::new(origin)
    }

    /// Adds a version, or moves its tag.
    pub(crate) fn publish(&self, module: Module) {
        self.modules
            .lock()
            .unwrap()
            .insert(format!("{}@{}", module.path, module.version), module);
    }

    /// Makes a branch (or `latest`) mean this version.
    pub(crate) fn branch(&self, query: &str, version: &str) {
        self.branches
            .lock()
            .unwrap()
            .insert(query.to_owned(), version.to_owned());
    }

    /// Forgets everything: the repository was deleted.
    pub(crate) fn forget(&self) {
        self.modules.lock().unwrap().clear();
        self.branches.lock().unwrap().clear();
    }

    pub(crate) fn feel(&self, mood: Mood) {
        self.mood.send_replace(mood);
    }

    /// Every question so far, in order: `list m`, `query m@main`, `zip m@v1.0.0`.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// How often this was asked.
    pub(crate) fn times_asked(&self, question: &str) -> usize {
        self.asked().iter().filter(|asked| *asked == question).count()
    }

    /// Waits until somebody asked this.
    pub(crate) async fn was_asked(&self, question: &str) {
        while self.times_asked(question) == 0 {
            tokio::task::yield_now().await;
        }
    }

    async fn answer(&self, questions: impl IntoIterator<Item = String>) -> Result<(), UpstreamError> {
        self.asked.lock().unwrap().extend(questions);
        let mood = *self
            .mood
            .subscribe()
            .wait_for(|mood| *mood != Mood::Hanging)
            .await
            .unwrap();
        match mood {
            Mood::Down => Err(UpstreamError::unavailable("the origin is down")),
            _ => Ok(()),
        }
    }

    fn find(&self, name: &str) -> Result<Module, UpstreamError> {
        let found = self.modules.lock().unwrap().get(name).cloned();
        found.ok_or_else(|| UpstreamError::not_found(format!("{name}: unknown revision")))
    }
}

#[async_trait]
impl Upstream for Origin {
    async fn resolve(
        &self,
        path: &ModulePath,
        query: &Query,
        _: &FetchContext,
    ) -> Result<Info, UpstreamError> {
        let question = format!("{path}@{}", query.as_str());
        self.answer([format!("query {question}")]).await?;
        let version = self.branches.lock().unwrap().get(query.as_str()).cloned();
        let version =
            version.ok_or_else(|| UpstreamError::not_found(format!("{question}: unknown revision")))?;
        let module = self.find(&format!("{path}@{version}"))?;
        Info::parse(&module.info()).map_err(|error| UpstreamError::malformed(error.to_string()))
    }

    async fn versions(&self, path: &ModulePath, _: &FetchContext) -> Result<Vec<Version>, UpstreamError> {
        self.answer([format!("list {path}")]).await?;
        let modules = self.modules.lock().unwrap();
        let versions: Vec<_> = modules
            .values()
            .filter(|module| module.path == path.as_str())
            .map(|module| Version::parse(&module.version).unwrap())
            .collect();
        if versions.is_empty() {
            return Err(UpstreamError::not_found(format!("{path}: repository not found")));
        }
        Ok(versions)
    }

    async fn fetch(&self, wanted: &Wanted, _: &FetchContext) -> Result<Fetched, UpstreamError> {
        let name = wanted.module.to_string();
        self.answer(wanted.kinds.iter().map(|kind| format!("{kind} {name}")))
            .await?;
        let module = self.find(&name)?;
        let mut fetched = Fetched {
            from: "the origin".to_owned(),
            ..Fetched::default()
        };
        for kind in &wanted.kinds {
            let (place, bytes) = match kind {
                Kind::Info => (&mut fetched.info, module.info()),
                Kind::Mod => (&mut fetched.go_mod, module.go_mod()),
                Kind::Zip => (&mut fetched.zip, module.zip()),
            };
            *place = Some(Incoming::Whole(Body::from_bytes(bytes)));
        }
        Ok(fetched)
    }
}

/// Reads `example.test/m@v1.0.0`.
pub(crate) fn module_version(name: &str) -> ModuleVersion {
    let (path, version) = name.split_once('@').unwrap();
    ModuleVersion::new(ModulePath::parse(path).unwrap(), Version::parse(version).unwrap()).unwrap()
}
