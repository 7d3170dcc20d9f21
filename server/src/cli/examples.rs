//! Examples at the end of each command's help.

pub(super) const PAYGEN: &str = "\
Without a command, `paygen` is `paygen dev`: the sandbox, with nothing else installed.

Examples:
  paygen
  paygen --listen 4420 --data-dir sandbox";

pub(super) const DEV: &str = "\
Examples:
  paygen dev
  paygen dev --listen 4420
  paygen dev --database-url postgres://user@host/sandbox";

pub(super) const SERVE: &str = "\
Examples:
  paygen serve --key-file vault.key
  paygen serve --key-file vault.key --listen 0.0.0.0:4000 --database-url postgres://user@host/paygen";

pub(super) const DEMO: &str = "\
Variables are printed for the shell, everything else goes to the terminal.

Examples:
  paygen demo
  eval \"$(paygen demo)\"";

pub(super) const LISTEN: &str = "\
Examples:
  paygen listen --types authorization.declined,transaction.created --verbose
  paygen listen --forward-to http://localhost:8080/webhooks
  paygen listen --decide \"python3 decide.py\" --timeout-ms 1500";

pub(super) const SIMULATE: &str = "\
Examples:
  paygen simulate --builtin
  paygen simulate --builtin restaurant-with-tip
  paygen simulate --url http://127.0.0.1:4000 my.yaml";

pub(super) const MIGRATE: &str = "\
Examples:
  paygen migrate
  paygen migrate --database-url postgres://user@host/paygen";

pub(super) const STATUS: &str = "\
Examples:
  paygen status
  paygen status --json --data-dir /var/lib/paygen";

pub(super) const CLIENTS_CREATE: &str = "\
Examples:
  paygen clients create --name \"My company\"
  paygen clients create --name \"My company\" --json";

pub(super) const CLIENTS_LIST: &str = "\
Examples:
  paygen clients list
  paygen clients list --json";

pub(super) const CLIENTS_KEYS: &str = "\
Examples:
  paygen clients keys 665f1c4f4a4f4a4f4a4f4a4f";

pub(super) const CLIENTS_CREATE_KEY: &str = "\
Examples:
  paygen clients create-key 665f1c4f4a4f4a4f4a4f4a4f
  paygen clients create-key 665f1c4f4a4f4a4f4a4f4a4f --name \"After the loss of May\"";

pub(super) const CLIENTS_DISABLE: &str = "\
Examples:
  paygen clients disable 665f1c4f4a4f4a4f4a4f4a4f
  paygen clients disable 665f1c4f4a4f4a4f4a4f4a4f --json";

pub(super) const CLIENTS_ENABLE: &str = "\
Examples:
  paygen clients enable 665f1c4f4a4f4a4f4a4f4a4f
  paygen clients enable 665f1c4f4a4f4a4f4a4f4a4f --json";

pub(super) const USERS_CREATE: &str = "\
Examples:
  paygen users create --email ada@example.com --name \"Ada Lovelace\" --role owner
  paygen users create --email bob@example.com --name Bob --role support --client 665f1c4f4a4f4a4f4a4f4a4f";

pub(super) const USERS_LIST: &str = "\
Examples:
  paygen users list
  paygen users list --json";

pub(super) const USERS_LINK: &str = "\
Examples:
  paygen users link ada@example.com";

pub(super) const USERS_DISABLE: &str = "\
Examples:
  paygen users disable ada@example.com";

pub(super) const USERS_ENABLE: &str = "\
Examples:
  paygen users enable ada@example.com";

pub(super) const USERS_REVIEW: &str = "\
Examples:
  paygen users review
  paygen users review --json";

pub(super) const KEYS_NEW: &str = "\
Examples:
  paygen keys new vault.key";

pub(super) const KEYS_ROTATE: &str = "\
Examples:
  paygen keys rotate";

pub(super) const KEYS_LIST: &str = "\
Examples:
  paygen keys list
  paygen keys list --json";

pub(super) const KEYS_REWRAP: &str = "\
Examples:
  paygen keys rewrap --new-key-file vault-2.key";

pub(super) const LEDGER_VERIFY: &str = "\
Examples:
  paygen ledger verify
  paygen ledger verify --save heads-2026-04-23
  paygen ledger verify --since heads-2026-04-23 --digest 5b1f0c";

pub(super) const REPLAY: &str = "\
Examples:
  paygen replay
  paygen replay --json";

pub(super) const BACKUP: &str = "\
Examples:
  paygen backup --to /backups/paygen-2026-04-23";

pub(super) const RESTORE: &str = "\
Examples:
  paygen restore --from /backups/paygen-2026-04-23 --data-dir restored";

pub(super) const COMPLETIONS: &str = "\
Examples:
  paygen completions bash > ~/.local/share/bash-completion/completions/paygen
  paygen completions zsh > ~/.zfunc/_paygen
  paygen completions fish > ~/.config/fish/completions/paygen.fish";
