//! The metrics of requests.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

/// Counter and histogram of each kind of request. They are looked up once, because making their labels costs as much as
/// counting.
#[derive(Default)]
pub struct RequestMeasures(RwLock<HashMap<String, Vec<Measures>>>);

struct Measures {
    method: &'static str,
    status: u16,
    total: metrics::Counter,
    seconds: metrics::Histogram,
}

impl RequestMeasures {
    pub fn note(&self, method: &'static str, route: &str, status: u16, seconds: f64) {
        let measure = |of_route: &[Measures]| {
            let known = of_route.iter().find(|known| known.method == method && known.status == status);
            known.inspect(|known| {
                known.total.increment(1);
                known.seconds.record(seconds);
            });
            known.is_some()
        };
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if known.get(route).is_some_and(|of_route| measure(of_route)) {
            return;
        }
        drop(known);
        let labels = [("method", method.to_owned()), ("route", route.to_owned()), ("status", status.to_string())];
        let total = metrics::counter!("paygen_http_requests_total", &labels);
        let seconds_of = metrics::histogram!("paygen_http_request_seconds", &labels[..2]);
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let of_route = all.entry(route.to_owned()).or_default();
        if !measure(of_route) {
            total.increment(1);
            seconds_of.record(seconds);
            of_route.push(Measures { method, status, total, seconds: seconds_of });
        }
    }
}
