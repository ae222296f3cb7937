//! `casbah disconnect` and `delete`: how a connection ends, and what that does not undo.

use casbah_pipeline::{connect, delete as deletion};

use crate::cli::{DeleteArgs, SteerArgs};
use crate::exit::{Exit, Failure};
use crate::folder;
use crate::output::{print, say};
use crate::runtime;
use crate::steer_command::{Absence, mark};
use crate::table::count;

const AT_THE_SERVICE: &str = "at the service nothing changed: audit feeds that were switched on stay on, \
    and so does the app registration with its rights; remove it there if nothing else uses it";

/// Beside a run or without one: the run's next calls are not made any more.
pub fn disconnect(args: &SteerArgs) -> Result<Exit, Failure> {
    let id = folder::name(&args.name)?;
    let system = folder::look(&args.out)?;
    runtime::real()?.block_on(async {
        connect::disconnect(&system.ctx, &id).await?;
        // Somebody wants it off now, so that it is missing in the config file does not matter any more.
        mark(&system.ctx, &id, Absence::Over).await
    })?;
    print(&format!(
        "{id} is disconnected: nothing is called any more, its credential is gone from {}, and what \
         was read stays readable\n\
         `casbah run` connects it again where it stood, for as long as its config file names it\n\
         {AT_THE_SERVICE}",
        args.out.display()
    ))?;
    Ok(Exit::Fine)
}

/// Removes everything at once: the folder is ours alone, so nobody is waited for.
pub fn delete(args: &DeleteArgs) -> Result<Exit, Failure> {
    let id = folder::name(&args.name)?;
    if !args.yes {
        let what = format!(
            "nothing was deleted: this would remove {id}, its credential, and every record that was \
             read from it into {}",
            args.out.display()
        );
        return Err(Failure::new(Exit::Parameter, what).with_fix("say that you mean it with --yes"));
    }
    let system = folder::take(&args.out)?;
    let removed = runtime::real()?.block_on(async {
        connect::delete(&system.ctx, &id).await?;
        say(format_args!("casbah: removing everything of {id}"));
        let removed = deletion::at_once(&system.ctx, &id).await?;
        mark(&system.ctx, &id, Absence::Over).await?;
        Ok::<_, Failure>(removed)
    })?;
    let (objects, items) = removed.map_or((0, 0), |all| (all.objects, all.items));
    print(&format!(
        "{id} is deleted: {} and {} are gone from {}\n{AT_THE_SERVICE}",
        count(objects, "object"),
        count(items, "table entry"),
        args.out.display()
    ))?;
    Ok(Exit::Fine)
}
