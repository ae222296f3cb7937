//! `casbah actions`: what people ask Casbah to change, decide about, and look at.
//!
//! In a folder that nobody works in the command does the work itself; beside a `casbah run` it leaves the work to that
//! and waits for it.

use std::collections::BTreeMap;
use std::path::Path;

use casbah_model::SignedDuration;
use casbah_model::action::{ActionId, ActionKind, ActionState, Target};
use casbah_model::connection::ConnectionId;
use casbah_model::ports::Rng;
use casbah_pipeline::govern::{
    self, ActionItem, ActionView, Asked, Decision, Selection, UnitView, Wish,
};
use casbah_pipeline::{Context, Settings};
use casbah_platform_local::{LocalSystem, OpenError, SystemRng};

use crate::action_text as text;
use crate::cli::Format;
use crate::cli_actions::{ActionsArgs, DecideArgs, PlanArgs, ShowArgs, Verb, Where, Who};
use crate::exit::{Exit, Failure};
use crate::folder;
use crate::output::{print, print_json};
use crate::runtime;

/// Units that are shown with a plan.
const UNITS: u64 = 20;
/// How long a `casbah run` beside this command may take to look; its sweep comes every minute.
const WAIT_MAX: SignedDuration = SignedDuration::from_mins(5);
const LOOK_AGAIN: SignedDuration = SignedDuration::from_millis(500);
/// A file of targets is a list of ids.
const FILE_BYTES_MAX: u64 = 4 << 20;

pub fn actions(args: &ActionsArgs) -> Result<Exit, Failure> {
    match &args.verb {
        Verb::Kinds(args) => text::kinds(args.output),
        Verb::Plan(args) => plan(args),
        Verb::Approve(args) => approve(args),
        Verb::Reject(args) => {
            let why = args.reason.clone();
            change(&args.decide, async |ctx, connection, id, by| {
                govern::decide(ctx, connection, id, by, Decision::Reject { why }).await
            })
        }
        Verb::Apply(args) => apply(args),
        Verb::Undo(args) => undo(&args.decide, &args.reason),
        Verb::Cancel(args) => cancel(&args.decide, &args.reason),
        Verb::Show(args) => show(args),
        Verb::List(args) => list(&args.connection, &args.place),
        Verb::Stop(args) => {
            let system = folder::look(&args.place.out)?;
            let by = person(&args.who);
            let stop = govern::stop(&system.ctx, &by, &args.reason);
            let stop = runtime::real()?.block_on(stop)?;
            print(&format!(
                "all actions are stopped by {}: {}",
                stop.by, stop.reason
            ))?;
            Ok(Exit::Fine)
        }
        Verb::Resume(args) => {
            let system = folder::look(&args.place.out)?;
            runtime::real()?.block_on(govern::resume(&system.ctx))?;
            print("actions go on within a minute")?;
            Ok(Exit::Fine)
        }
    }
}

/// A folder, and whether this process has it to itself.
struct Place {
    system: LocalSystem,
    is_alone: bool,
}

impl Place {
    fn open(folder: &Path) -> Result<Place, Failure> {
        if folder::is_demo(folder)? {
            let what = format!(
                "{} holds a demo, whose tenants end with it",
                folder.display()
            );
            return Err(Failure::new(Exit::Parameter, what).with_fix(
                "try actions against `casbah simulate`, read by `casbah run` (docs/actions.md)",
            ));
        }
        // A folder that is not there is not made.
        let system = folder::look(folder)?;
        // Nobody else is there to make long lists ready.
        let settings = Settings {
            view_records: u64::MAX,
            ..Settings::default()
        };
        match LocalSystem::open(folder, crate::run::outside_with(settings)?) {
            Ok(system) => Ok(Place {
                system,
                is_alone: true,
            }),
            Err(OpenError::Busy { .. }) => Ok(Place {
                system,
                is_alone: false,
            }),
            Err(error) => Err(error.into()),
        }
    }

    fn ctx(&self) -> &Context {
        &self.system.ctx
    }

    /// Goes on, or waits for who does, until an action is far enough.
    async fn until(
        &self,
        connection: &ConnectionId,
        id: &ActionId,
        is_enough: impl Fn(&ActionItem) -> bool,
    ) -> Result<ActionItem, Failure> {
        let ctx = self.ctx();
        if self.is_alone {
            return Ok(govern::work_until(ctx, connection, id, is_enough).await?);
        }
        let mut last = None;
        let mut since = ctx.now();
        loop {
            let action = govern::find(ctx, connection, id).await?;
            if is_enough(&action) {
                return Ok(action);
            }
            if last != Some(action.v) {
                (last, since) = (Some(action.v), ctx.now());
            }
            if ctx.now().duration_since(since) > WAIT_MAX {
                let what = format!("{id} is {} and nobody goes on with it", action.state.name());
                return Err(Failure::new(Exit::Other, what)
                    .with_fix("see what `casbah status` says of the stream govern"));
            }
            ctx.sleep(LOOK_AGAIN).await;
        }
    }

    async fn shown(
        &self,
        connection: &ConnectionId,
        action: &ActionItem,
        units: u64,
    ) -> Result<(ActionView, Vec<UnitView>), Failure> {
        let units = govern::units(self.ctx(), action, 0, units).await?;
        Ok((ActionView::of(connection, action), units))
    }
}

/// Whoever is named, or else the account this runs under.
fn person(who: &Who) -> String {
    who.by.clone().unwrap_or_else(crate::account::name)
}

fn named(connection: &str, id: &str) -> Result<(ConnectionId, ActionId), Failure> {
    let id = id
        .parse()
        .map_err(|error: casbah_model::action::BadActionId| {
            Failure::new(Exit::Parameter, error.to_string())
        })?;
    Ok((folder::name(connection)?, id))
}

/// What somebody typed, as the pipeline takes it.
pub fn asked(args: &PlanArgs) -> Result<Asked, Failure> {
    let wrong = |error: &dyn std::fmt::Display| Failure::new(Exit::Parameter, error.to_string());
    let kind: ActionKind = args
        .kind
        .parse()
        .map_err(|error: casbah_model::action::UnknownAction| wrong(&error))?;
    let mut texts = args.targets.clone();
    if let Some(file) = &args.targets_file {
        texts.extend(lines(file)?);
    }
    let targets = texts
        .iter()
        .map(|text| text.parse::<Target>().map_err(|error| wrong(&error)))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Asked {
        id: new_id(),
        kind,
        targets,
        selection: selection(&args.filters)?,
        parameters: pairs(&args.parameters)?,
        reason: args.reason.clone(),
        wish: match args.dry_run {
            true => Wish::DryRun,
            false => Wish::Plan,
        },
        by: person(&args.who),
    })
}

/// What `--where` says, in the words of lists over the API.
fn selection(filters: &[String]) -> Result<Option<Selection>, Failure> {
    if filters.is_empty() {
        return Ok(None);
    }
    let selection = Selection::try_from(pairs(filters)?);
    let selection = selection.map_err(|cause| {
        let what = format!("--where: {}", cause.what);
        Failure::new(Exit::Parameter, what).with_fix(cause.fix)
    })?;
    Ok(Some(selection))
}

fn pairs(texts: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    let pair = |text: &String| {
        let pair = text.split_once('=');
        let pair = pair.map(|(name, value)| (name.to_string(), value.to_string()));
        pair.ok_or_else(|| {
            let what = format!("\"{text}\" is not NAME=VALUE");
            Failure::new(Exit::Parameter, what)
        })
    };
    texts.iter().map(pair).collect()
}

fn new_id() -> ActionId {
    let id = format!("a{:015x}", SystemRng.next_u64() >> 4);
    id.parse().expect("hexadecimal digits are allowed")
}

fn lines(file: &Path) -> Result<Vec<String>, Failure> {
    let unreadable = |reason: String| {
        let what = format!("cannot read {}: {reason}", file.display());
        Failure::new(Exit::Parameter, what)
    };
    let size = std::fs::metadata(file).map_err(|error| unreadable(error.to_string()))?;
    if size.len() > FILE_BYTES_MAX {
        return Err(unreadable("it is larger than 4 MB".into()));
    }
    let text = std::fs::read_to_string(file).map_err(|error| unreadable(error.to_string()))?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    Ok(lines.map(String::from).collect())
}

fn is_planned(action: &ActionItem) -> bool {
    action.state != ActionState::Planning
}

/// Whether nothing goes on with it by itself.
fn is_at_rest(action: &ActionItem) -> bool {
    !action.state.is_open() || action.state == ActionState::Pending
}

fn plan(args: &PlanArgs) -> Result<Exit, Failure> {
    let connection = folder::name(&args.connection)?;
    let asked = asked(args)?;
    let place = Place::open(&args.place.out)?;
    let (action, units) = runtime::real()?.block_on(async {
        let action = govern::ask(place.ctx(), &connection, asked).await?;
        let action = place.until(&connection, &action.id, is_planned).await?;
        place.shown(&connection, &action, UNITS).await
    })?;
    tell(&action, &units, args.place.output)
}

fn tell(action: &ActionView, units: &[UnitView], output: Format) -> Result<Exit, Failure> {
    match output {
        Format::Text => print(&text::action(action, units))?,
        Format::Json => print_json(&text::document(action, units))?,
    }
    Ok(text::exit(action))
}

/// Changes what somebody decides about an action, and shows it.
fn change(
    args: &DecideArgs,
    change: impl AsyncFnOnce(
        &Context,
        &ConnectionId,
        &ActionId,
        &str,
    ) -> Result<ActionItem, casbah_pipeline::StageError>,
) -> Result<Exit, Failure> {
    let (connection, id) = named(&args.connection, &args.id)?;
    let place = Place::open(&args.place.out)?;
    let by = person(&args.who);
    let (action, units) = runtime::real()?.block_on(async {
        let action = change(place.ctx(), &connection, &id, &by).await?;
        place.shown(&connection, &action, 0).await
    })?;
    tell(&action, &units, args.place.output)
}

fn approve(args: &DecideArgs) -> Result<Exit, Failure> {
    change(args, async |ctx, connection, id, by| {
        govern::decide(ctx, connection, id, by, Decision::Approve).await
    })
}

/// Changes what is to become of an action, waits until that is over, and shows it.
fn go_on(
    args: &DecideArgs,
    change: impl AsyncFnOnce(&Context, &ConnectionId, &ActionId, &str) -> Result<(), Failure>,
) -> Result<Exit, Failure> {
    let (connection, id) = named(&args.connection, &args.id)?;
    let place = Place::open(&args.place.out)?;
    let by = person(&args.who);
    let (action, units) = runtime::real()?.block_on(async {
        change(place.ctx(), &connection, &id, &by).await?;
        let action = place.until(&connection, &id, is_at_rest).await?;
        place.shown(&connection, &action, UNITS).await
    })?;
    tell(&action, &units, args.place.output)
}

fn apply(args: &DecideArgs) -> Result<Exit, Failure> {
    go_on(args, async |ctx, connection, id, by| {
        if govern::find(ctx, connection, id).await?.state == ActionState::Pending {
            govern::decide(ctx, connection, id, by, Decision::Approve).await?;
        }
        stopped(ctx).await
    })
}

fn undo(args: &DecideArgs, reason: &str) -> Result<Exit, Failure> {
    go_on(args, async |ctx, connection, id, by| {
        govern::undo(ctx, connection, id, by, reason).await?;
        stopped(ctx).await
    })
}

fn cancel(args: &DecideArgs, reason: &str) -> Result<Exit, Failure> {
    go_on(args, async |ctx, connection, id, by| {
        govern::cancel(ctx, connection, id, by, reason).await?;
        Ok(())
    })
}

/// Nobody waits for what somebody stopped.
async fn stopped(ctx: &Context) -> Result<(), Failure> {
    match govern::is_stopped(ctx).await? {
        Some(stop) => {
            let what = format!(
                "all actions are stopped by {} since {}: {}",
                stop.by, stop.at, stop.reason
            );
            Err(Failure::new(Exit::Refused, what)
                .with_fix("`casbah actions resume` lets them go on"))
        }
        None => Ok(()),
    }
}

fn show(args: &ShowArgs) -> Result<Exit, Failure> {
    let (connection, id) = named(&args.connection, &args.id)?;
    let system = folder::look(&args.place.out)?;
    let ctx = &system.ctx;
    let (action, units) = runtime::real()?.block_on(async {
        let action = govern::find(ctx, &connection, &id).await?;
        let units = govern::units(ctx, &action, 0, args.units).await?;
        Ok::<_, Failure>((ActionView::of(&connection, &action), units))
    })?;
    tell(&action, &units, args.place.output)
}

fn list(connection: &str, place: &Where) -> Result<Exit, Failure> {
    let connection = folder::name(connection)?;
    let system = folder::look(&place.out)?;
    let found = runtime::real()?.block_on(govern::actions(&system.ctx, &connection))?;
    let views: Vec<_> = found
        .iter()
        .map(|action| ActionView::of(&connection, action))
        .collect();
    match place.output {
        Format::Text => print(&text::list(&views))?,
        Format::Json => print_json(&serde_json::json!({ "actions": views }))?,
    }
    Ok(Exit::Fine)
}
