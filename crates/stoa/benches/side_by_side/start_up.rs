//! From starting the program to its first answer.

use crate::{
    report::{Report, median},
    world::World,
};
use std::{
    net::TcpStream,
    time::{Duration, Instant},
};

pub(crate) fn measure(report: &Report, world: &World) {
    let times = (0..10).map(|_| {
        let setup = world.mirror("off", false);
        let address = setup.url().replace("http://", "");
        let start = Instant::now();
        let _stoa = setup.spawn();
        while TcpStream::connect(&address).is_err() {
            assert!(start.elapsed() < Duration::from_secs(20), "it does not listen");
            std::thread::sleep(Duration::from_micros(200));
        }
        start.elapsed().as_secs_f64() * 1000.0
    });
    let time = median(times.collect());
    report.section("start-up", ["stoa", "-", "-", "aim"]);
    report.line("to listening", &format!("{time:.1} ms"), "-", None, "<= 50 ms");
}
