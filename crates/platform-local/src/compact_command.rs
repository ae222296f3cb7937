//! `casbah compact`: tables for query engines, brought up to what was read or made anew.

use casbah_pipeline::items::ConnectionItem;
use casbah_pipeline::{Context, compact as tables, editions, status, tables_status};

use crate::cli::CompactArgs;
use crate::exit::{Exit, Failure, unknown_connection};
use crate::output::print;
use crate::table::{bytes, count};
use crate::{folder, runtime};

pub fn compact(args: &CompactArgs) -> Result<Exit, Failure> {
    let only = args.connection.as_deref().map(folder::name).transpose()?;
    let system = folder::take_with(&args.out, args.events.settings())?;
    let text = runtime::real()?.block_on(async {
        let ctx = &system.ctx;
        let mut connections = status::connections(ctx).await?;
        if let Some(only) = &only {
            connections.retain(|connection| connection.settings.id == *only);
            if connections.is_empty() {
                return Err(unknown_connection(only.as_str()));
            }
        }
        // Leases of a process that was killed are void, because the folder is ours now.
        system.resume().await?;
        let mut text = String::new();
        for connection in connections {
            text += &one(ctx, &connection, args).await?;
        }
        Ok(text)
    })?;
    print(text.trim_end())?;
    Ok(Exit::Fine)
}

async fn one(
    ctx: &Context,
    connection: &ConnectionItem,
    args: &CompactArgs,
) -> Result<String, Failure> {
    match args.rebuild {
        true => tables::rebuild(ctx, connection).await?,
        false => tables::to_the_end(ctx, connection).await?,
    }
    editions::to_the_end(ctx, connection).await?;
    let scope = connection.scope();
    let streams = status::streams(ctx, &scope).await?;
    if let Some(trouble) = tables::trouble(&streams) {
        let failure = Failure::new(Exit::Other, trouble.what.clone());
        return Err(failure.with_fix(trouble.fix.clone()));
    }
    let (objects, size) = tables_status::size(ctx, &scope).await?;
    let status = tables_status::status(ctx, &scope, &streams).await?;
    let events = status.map_or(0, |status| status.events);
    Ok(format!(
        "{}: {} in {} ({})\n",
        connection.settings.id,
        count(events, "event"),
        count(objects, "file"),
        bytes(size)
    ))
}
