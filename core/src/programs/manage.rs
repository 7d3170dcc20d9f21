//! Creating, changing and archiving programs.

use crate::approvals::{ApprovalAction, Ask};
use crate::cards::{Brand, FundingMode};
use crate::events::{EventType, Owner, emit};
use crate::fields::{Echo, check_read_only, check_version};
use crate::ids::{ClientId, Id, ProgramId};
use crate::limits::{NewControls, NewLimit, SpendingControls, divide_anew, start_limits};
use crate::money::Currency;
use crate::programs::find::find_for_update;
use crate::programs::ranges::{share, take};
use crate::programs::record::{NumberRange, Program, ProgramSettings, ProgramStatus};
use crate::programs::terms::{FeeRule, HoldRule, RateRule};
use crate::programs::view::ProgramView;
use crate::record::Key;
use crate::refusal::{Refusal, Stop};
use crate::table::Access;
use crate::time::Instant;
use crate::verb::Verb;
use crate::work::Work;

/// Settings to change; `None` keeps, `Some(None)` clears. Lists are replaced as a whole.
#[derive(Clone, Debug, Default)]
pub struct ProgramChanges {
    pub brand: Option<Option<Brand>>,
    pub currency: Option<Option<Currency>>,
    pub funding_mode: Option<Option<FundingMode>>,
    pub ranges: Option<Vec<NumberRange>>,
    pub fees: Option<Vec<FeeRule>>,
    pub rates: Option<Vec<RateRule>>,
    pub holds: Option<Vec<HoldRule>>,
    pub refund_fees: Option<bool>,
    pub risk_threshold: Option<i64>,
    pub pin_tries: Option<i64>,
    pub code_tries: Option<i64>,
    pub validity_months: Option<i64>,
    /// Limits among them name their currency.
    pub controls: Option<NewControls>,
    /// They name their currency.
    pub limits: Option<Vec<NewLimit>>,
    pub can_loosen: Option<bool>,
}

impl ProgramChanges {
    /// The settings that result. Limits that were not there begin to count now.
    pub fn apply(&self, before: &ProgramSettings, now: Instant) -> Result<ProgramSettings, Refusal> {
        let mut settings = before.clone();
        fn set<T: Clone>(new: &Option<T>, to: &mut T) {
            if let Some(new) = new {
                to.clone_from(new);
            }
        }
        set(&self.brand, &mut settings.brand);
        set(&self.currency, &mut settings.currency);
        set(&self.funding_mode, &mut settings.funding_mode);
        set(&self.ranges, &mut settings.ranges);
        set(&self.fees, &mut settings.terms.fees);
        set(&self.rates, &mut settings.terms.rates);
        set(&self.holds, &mut settings.terms.holds);
        set(&self.refund_fees, &mut settings.terms.refund_fees);
        set(&self.risk_threshold, &mut settings.terms.risk_threshold);
        set(&self.pin_tries, &mut settings.terms.pin_tries);
        set(&self.code_tries, &mut settings.terms.code_tries);
        set(&self.validity_months, &mut settings.terms.validity_months);
        set(&self.can_loosen, &mut settings.can_loosen);
        if let Some(controls) = &self.controls {
            // Each card counts plain windows from its first payment.
            let controls = controls.replacing(&before.controls, Instant::default(), now)?;
            settings.controls = SpendingControls { opened: None, ..controls };
        }
        if let Some(limits) = &self.limits {
            settings.limits = start_limits(&before.limits, limits, now, now)?;
        }
        check(&settings)?;
        Ok(settings)
    }
}

/// What the settings must agree on.
fn check(settings: &ProgramSettings) -> Result<(), Refusal> {
    let fault = |field, why| Err(Refusal::ProgramInvalid { field, why });
    if let Some(brand) = settings.brand
        && settings.ranges.iter().any(|range| range.brand != brand)
    {
        return fault("/numberRanges", "a range is of another brand than the program");
    }
    let Some(currency) = settings.currency else { return Ok(()) };
    let is_other = |named: Option<&str>| named != Some(currency.code());
    if settings.limits.iter().any(|limit| is_other(limit.currency.as_deref())) {
        return fault("/spendingLimits", "a limit has another currency than the program");
    }
    if settings.controls.spending_limits.iter().any(|limit| is_other(limit.currency.as_deref())) {
        return fault("/spendingControls/spendingLimits", "a limit has another currency than the program");
    }
    if settings.terms.fees.iter().any(|fee| fee.currency != currency) {
        return fault("/fees", "a fee has another currency than the program");
    }
    Ok(())
}

#[derive(Clone, Debug)]
pub struct CreateProgram {
    pub name: String,
    pub settings: ProgramChanges,
    /// The ranges of the settings, which all programs may have.
    pub shared: Vec<NumberRange>,
}

impl Verb for CreateProgram {
    type Answer = ProgramView;

    fn home(&self) -> Option<Id> {
        None
    }

    fn prefetch(&self, _: &mut Work, _: ClientId) {}

    fn approvals(&self) -> Vec<Ask> {
        vec![Ask::of(ApprovalAction::ProgramChange)]
    }

    fn run(&self, work: &mut Work) -> Result<ProgramView, Stop> {
        create(work, self)
    }
}

fn create(work: &mut Work, command: &CreateProgram) -> Result<ProgramView, Stop> {
    let (client, now) = (work.client(), work.now());
    let settings = command.settings.apply(&ProgramSettings::default(), now)?;
    let id = ProgramId(work.new_id());
    share_all(work, &settings.ranges, &command.shared)?;
    take(work, (client, id), &[], &settings.ranges)?;
    let program = Program {
        client,
        id,
        name: command.name.clone(),
        status: ProgramStatus::Active,
        settings,
        event_seq: 0,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let view = ProgramView::of(&program);
    work.programs.put(program);
    emit(work, Owner::Program(id), EventType::ProgramCreated, view.clone())?;
    Ok(view)
}

#[derive(Clone, Debug, Default)]
pub struct UpdateProgram {
    pub id: ProgramId,
    pub name: Option<String>,
    pub status: Option<ProgramStatus>,
    pub settings: ProgramChanges,
    /// The ranges of the settings, which all programs may have.
    pub shared: Vec<NumberRange>,
    /// Read-only fields that were sent; they must equal the stored ones.
    pub echo: Echo,
    pub if_match: Option<i64>,
}

impl Verb for UpdateProgram {
    type Answer = ProgramView;

    fn home(&self) -> Option<Id> {
        Some(self.id.0)
    }

    fn prefetch(&self, work: &mut Work, client: ClientId) {
        work.programs.prefetch(Key::of(client, self.id.0), Access::Exclusive);
    }

    fn approvals(&self) -> Vec<Ask> {
        vec![Ask::of(ApprovalAction::ProgramChange)]
    }

    fn run(&self, work: &mut Work) -> Result<ProgramView, Stop> {
        update(work, self)
    }
}

/// Notes those of the ranges that the settings have. They may have been added since the client's first program was made.
fn share_all(work: &mut Work, ranges: &[NumberRange], shared: &[NumberRange]) -> Result<(), Stop> {
    ranges.iter().filter(|range| shared.contains(range)).try_for_each(|range| share(work, range).map(|_| ()))
}

fn update(work: &mut Work, command: &UpdateProgram) -> Result<ProgramView, Stop> {
    let program = find_for_update(work, command.id)?;
    check_version(command.if_match, program.version)?;
    check_read_only(&command.echo, &ProgramView::of(&program))?;
    let now = work.now();
    let mut changed = Program {
        name: command.name.clone().unwrap_or_else(|| program.name.clone()),
        status: command.status.unwrap_or(program.status),
        settings: command.settings.apply(&program.settings, now)?,
        ..(*program).clone()
    };
    if changed == *program {
        return Ok(ProgramView::of(&program));
    }
    let archives = changed.status == ProgramStatus::Archived && program.status != ProgramStatus::Archived;
    if archives && program.is_default() {
        return Err(Refusal::DefaultProgram.into());
    }
    if changed.settings.ranges != program.settings.ranges {
        share_all(work, &changed.settings.ranges, &command.shared)?;
        take(work, (program.client, program.id), &program.settings.ranges, &changed.settings.ranges)?;
    }
    if changed.settings.limits != program.settings.limits {
        divide_anew(work, command.id.0, &changed.settings.limits, None)?;
    }
    changed.version += 1;
    changed.updated_at = now;
    let view = ProgramView::of(&changed);
    work.programs.put(changed);
    let kind = if archives { EventType::ProgramArchived } else { EventType::ProgramUpdated };
    emit(work, Owner::Program(command.id), kind, view.clone())?;
    Ok(view)
}

/// Archives a program. An archived one stays as it is.
#[derive(Clone, Debug)]
pub struct ArchiveProgram {
    pub id: ProgramId,
    pub if_match: Option<i64>,
}

impl Verb for ArchiveProgram {
    type Answer = ProgramView;

    fn home(&self) -> Option<Id> {
        Some(self.id.0)
    }

    fn prefetch(&self, work: &mut Work, client: ClientId) {
        work.programs.prefetch(Key::of(client, self.id.0), Access::Exclusive);
    }

    fn approvals(&self) -> Vec<Ask> {
        vec![Ask::of(ApprovalAction::ProgramChange)]
    }

    fn run(&self, work: &mut Work) -> Result<ProgramView, Stop> {
        let (id, if_match) = (self.id, self.if_match);
        let status = Some(ProgramStatus::Archived);
        update(work, &UpdateProgram { id, status, if_match, ..UpdateProgram::default() })
    }
}
