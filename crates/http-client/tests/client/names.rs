//! Names that are where a test says they are.

use http_client::Names;
use std::{
    collections::HashMap,
    io,
    net::IpAddr,
    sync::{Arc, Mutex},
};

/// Each name's answers, one after the other; the last one stays.
#[derive(Clone, Debug, Default)]
pub(crate) struct TestNames(Arc<Mutex<HashMap<String, Vec<Vec<IpAddr>>>>>);

impl TestNames {
    pub(crate) fn new(names: &[(&str, &[&[&str]])]) -> Self {
        let answers = |answers: &[&[&str]]| {
            let parse = |answer: &&[&str]| answer.iter().map(|address| address.parse().unwrap()).collect();
            answers.iter().map(parse).collect()
        };
        let names = names
            .iter()
            .map(|(name, given)| ((*name).to_owned(), answers(given)));
        Self(Arc::new(Mutex::new(names.collect())))
    }
}

#[async_trait::async_trait]
impl Names for TestNames {
    async fn lookup(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        let mut names = self.0.lock().unwrap();
        let answers = names
            .get_mut(host)
            .ok_or_else(|| io::Error::other("no such name"))?;
        Ok(if answers.len() > 1 {
            answers.remove(0)
        } else {
            answers[0].clone()
        })
    }
}
