//! A page or form as a call of the API, to be copied.

use crate::Console;
use crate::door::Call;
use crate::view::ApiCall;
use paygen_edge::json::Json;

impl Console {
    /// The call, with curl. The key is a variable of the shell: a page never has one.
    pub(crate) fn as_api_call(&self, call: &Call) -> ApiCall {
        let mut curl = format!("curl {}", quoted(&format!("{}{}", self.api_url, call.path)));
        if call.method != axum::http::Method::GET {
            curl.push_str(&format!(" \\\n  -X {}", call.method));
        }
        curl.push_str(" \\\n  -H \"x-api-key: $PAYGEN_API_KEY\"");
        if let Some(body) = &call.body {
            let pretty = Json::parse(body.as_bytes()).map(|json| crate::json::pretty(&json));
            let body = pretty.unwrap_or_else(|_| body.clone());
            curl.push_str(&format!(" \\\n  -H 'content-type: application/json' \\\n  -d {}", quoted(&body)));
        }
        ApiCall { method: call.method.to_string(), path: call.path.clone(), curl }
    }
}

/// A word of a POSIX shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn words_stay_one_word_in_a_shell() {
        assert_eq!(super::quoted("it's $HOME"), "'it'\\''s $HOME'");
    }
}
