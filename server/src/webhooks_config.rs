//! The section `[webhooks]` of the settings.

use std::time::Duration;

use ipnet::IpNet;
use serde::Deserialize;

use crate::config_error::ConfigError;
use crate::mode::Mode;
use paygen_delivery::targets::Targets;
use paygen_delivery::{DeliverySettings, RetrySchedule};

/// Settings of deliveries.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WebhooksConfig {
    /// Networks in CIDR form that are allowed although they are not public.
    pub allow_private: Vec<IpNet>,
    /// Whether this machine itself may be called when the URL names it; by default in the sandbox only.
    pub loopback: Option<bool>,
    /// Whether `http` may be called; by default in the sandbox only.
    pub plain_http: Option<bool>,
    /// The delays before each attempt.
    pub retry_schedule: String,
    pub timeout_seconds: u64,
    /// Upper bound on the requests in flight to one endpoint.
    pub max_in_flight: usize,
    /// Retention of attempts in days; 0 keeps them for good.
    pub log_retention_days: u32,
}

impl Default for WebhooksConfig {
    fn default() -> WebhooksConfig {
        WebhooksConfig {
            allow_private: Vec::new(),
            loopback: None,
            plain_http: None,
            retry_schedule: "0s,5s,5m,30m,2h,5h,10h,10h".to_owned(),
            timeout_seconds: 15,
            max_in_flight: 32,
            log_retention_days: 30,
        }
    }
}

impl WebhooksConfig {
    /// Applies the environment variables, and validates.
    pub(crate) fn with_environment(mut self, mode: Mode) -> Result<WebhooksConfig, ConfigError> {
        let environment = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        if let Some(text) = environment("PAYGEN_WEBHOOKS_ALLOW_PRIVATE") {
            let networks: Result<Vec<IpNet>, _> = text.split(',').map(|part| part.trim().parse()).collect();
            let wrong = |_| {
                let why = "must be networks in CIDR form with commas between, such as 127.0.0.0/8,10.1.0.0/16.";
                ConfigError(format!("PAYGEN_WEBHOOKS_ALLOW_PRIVATE is {text:?}; it {why}"))
            };
            self.allow_private = networks.map_err(wrong)?;
        }
        if let Some(text) = environment("PAYGEN_WEBHOOKS_RETRY_SCHEDULE") {
            self.retry_schedule = text;
        }
        if RetrySchedule::parse(&self.retry_schedule).is_none() {
            return Err(ConfigError(format!(
                "webhooks.retry_schedule (PAYGEN_WEBHOOKS_RETRY_SCHEDULE) is {:?}; it must be 1 to 32 delays of at most 30 days with commas between, such as 0s,5s,5m,2h.",
                self.retry_schedule
            )));
        }
        let bounds =
            [("timeout_seconds", self.timeout_seconds as usize, 120), ("max_in_flight", self.max_in_flight, 1000)];
        for (name, value, most) in bounds {
            if value == 0 || value > most {
                return Err(ConfigError(format!("webhooks.{name} is {value}; it must be from 1 to {most}.")));
            }
        }
        self.loopback.get_or_insert(mode == Mode::Dev);
        self.plain_http.get_or_insert(mode == Mode::Dev);
        Ok(self)
    }

    /// The rules for targets.
    pub fn targets(&self) -> Targets {
        Targets {
            allow: self.allow_private.clone(),
            loopback: self.loopback.unwrap_or(false),
            plain_http: self.plain_http.unwrap_or(false),
        }
    }

    /// The settings of deliveries.
    pub fn settings(&self) -> DeliverySettings {
        DeliverySettings {
            timeout: Duration::from_secs(self.timeout_seconds),
            max_in_flight: self.max_in_flight,
            retry: RetrySchedule::parse(&self.retry_schedule).unwrap_or_default(),
        }
    }
}
