//! New files that are small enough to come whole (driveItem: Upload small files). Sessions for larger ones are left
//! out, and so is to replace what is there.

use super::changes::not_allowed;
use super::desk::Desk;
use super::drives::item_not_found;
use super::file_content::Content;
use super::item_writes::{Conflict, asked_name, invalid};
use super::records::{APPLICATION, Deal};
use super::wire::{Call, graph_error};
use super::world::ItemChange;
use crate::answer::Answer;

/// What comes whole at most (driveItem: Upload small files, introduction); later versions of the page say 250 MB.
const BYTES_MAX: usize = 4 * 1024 * 1024;

impl Desk<'_> {
    /// Puts a file where names lead to from a folder; the last name ends with a colon. Folders that are missing on the
    /// way are not made here.
    pub fn upload(
        &mut self,
        call: &Call,
        named: (u64, &str),
        names: &[&str],
    ) -> Result<Answer, Answer> {
        let from = self.changeable(call, named)?;
        let [above @ .., name] = names else {
            return Err(not_allowed());
        };
        let name = name.strip_suffix(':').ok_or_else(not_allowed)?;
        let name = asked_name(&name.into())?;
        let folder = self.descend(from, above).ok_or_else(item_not_found)?;
        if !self.is_folder(folder) {
            return Err(invalid("Only folders hold files."));
        }
        if call.body.len() > BYTES_MAX {
            let message = "The content is too large to come whole.";
            return Err(graph_error(413, "requestEntityTooLarge", message));
        }
        let conflict = Conflict::of_query(call, Conflict::Replace)?;
        let name = self.free_name(folder, &name, conflict)?;
        let content = Content::of(&call.body);
        let uploaded = &mut self.state.world.uploaded;
        uploaded.insert(content.hash, call.body.clone());
        let change = ItemChange {
            name: Some(name),
            content: Some(content),
            ..ItemChange::default()
        };
        let made = self.put(folder, change);
        let told = self.told_of(made);
        self.tell_of_item(APPLICATION, Deal::File("FileUploaded"), 0, made, told);
        Ok(Answer::json(201, self.item_text(made, call)))
    }
}
