//! How the parts of an Office document belong together: relationships (ECMA-376, part 2, 9.3), and names for people from them.

use super::office::Flavour;
use super::reading::{Outcome, Reading};
use super::xml::{self, Node};
use super::zip::Package;
use crate::report::Reason;

/// More of them are not followed: parts then have their own names instead of their owners'.
const RELATIONS_MAX: usize = 20_000;

pub(crate) struct Relation {
    owner: String,
    id: String,
    target: String,
    is_external: bool,
}

/// All relationships of a package.
#[derive(Default)]
pub(crate) struct Relations(Vec<Relation>);

impl Relations {
    pub(crate) fn read(
        reading: &mut Reading<'_>,
        package: &Package<'_>,
    ) -> Result<Relations, Reason> {
        let mut relations = Vec::new();
        for entry in package
            .entries
            .iter()
            .filter(|entry| entry.name.ends_with(".rels"))
        {
            let owner = owner(&entry.name);
            let outcome = package.with(reading, entry, |reading, content| {
                let budget = reading.budget;
                content.stream(&mut |input| {
                    xml::walk(budget, input, &mut |node| {
                        if let Node::Start("Relationship", attributes) = node
                            && relations.len() < RELATIONS_MAX
                        {
                            let is_external =
                                attributes.get("TargetMode").as_deref() == Some("External");
                            let target = attributes.get("Target").unwrap_or_default();
                            relations.push(Relation {
                                target: if is_external {
                                    target.into_owned()
                                } else {
                                    resolve(&owner, &target)
                                },
                                owner: owner.clone(),
                                id: attributes.get("Id").unwrap_or_default().into_owned(),
                                is_external,
                            });
                        }
                        Ok(())
                    })
                })
            });
            reading.part(&entry.name)?;
            reading.go_on(outcome)?;
        }
        Ok(Relations(relations))
    }

    /// The part that an owner means by an id.
    pub(crate) fn target(&self, owner: &str, id: &str) -> Option<&str> {
        let mut of_owner = self.0.iter().filter(|relation| relation.owner == owner);
        of_owner
            .find(|relation| relation.id == id)
            .map(|relation| &*relation.target)
    }

    /// Those that mean a part.
    pub(crate) fn owners(&self, part: &str) -> impl Iterator<Item = &str> {
        let of_part = self
            .0
            .iter()
            .filter(move |relation| relation.target == part);
        of_part.map(|relation| &*relation.owner)
    }

    /// Addresses that a part leads to.
    pub(crate) fn write_links(&self, reading: &mut Reading<'_>, owner: &str) -> Outcome {
        for relation in self
            .0
            .iter()
            .filter(|it| it.is_external && it.owner == owner)
        {
            reading.aside(&relation.target)?;
        }
        reading.line()
    }
}

/// "word/_rels/document.xml.rels" belongs to "word/document.xml".
fn owner(path: &str) -> String {
    let stem = path.trim_start_matches('/').trim_end_matches(".rels");
    match stem.rsplit_once("_rels/") {
        Some((folder, file)) => format!("{folder}{file}"),
        None => stem.to_owned(),
    }
}

/// Targets are relative to the folder of their owner, or absolute.
fn resolve(owner: &str, target: &str) -> String {
    if let Some(absolute) = target.strip_prefix('/') {
        return absolute.to_owned();
    }
    let folder = owner.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut path: Vec<&str> = folder.split('/').filter(|step| !step.is_empty()).collect();
    for step in target.split('/') {
        match step {
            ".." => drop(path.pop()),
            "." | "" => {}
            step => path.push(step),
        }
    }
    path.join("/")
}

/// What a part is called: "header 2", "sheet Salaries (hidden), comments", "slide 3, notes".
pub(crate) fn title(
    path: &str,
    flavour: Flavour,
    relations: &Relations,
    named: &[(String, String)],
) -> String {
    let title_of = |path: &str| {
        named
            .iter()
            .find(|(known, _)| known == path)
            .map(|(_, title)| title)
    };
    if let Some(title) = title_of(path) {
        return title.clone();
    }
    if path == flavour.main_part() {
        return String::new();
    }
    let label = label(path);
    match relations.owners(path).find_map(title_of) {
        Some(owner) => format!(
            "{owner}, {}",
            label.trim_end_matches(|c: char| c.is_ascii_digit() || c == ' ')
        ),
        None => label,
    }
}

/// "word/header2.xml" is "header 2".
fn label(path: &str) -> String {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let file = path.rsplit('/').next().unwrap_or(path);
    let stem = file.split('.').next().unwrap_or(file);
    let word = stem.trim_end_matches(|c: char| c.is_ascii_digit());
    let number = &stem[word.len()..];
    let word = match (folder, word) {
        ("docProps", "core") => "properties",
        ("docProps", "app") => "properties of the program",
        ("docProps", "custom") => "own properties",
        ("word/glossary", "document") => "glossary",
        ("customXml", "item") => "custom XML",
        (_, "comment" | "comments" | "threadedComment" | "modernComment") => "comments",
        (_, "notesSlide") => "notes",
        (_, "slideLayout") => "layout",
        (_, "slideMaster") => "master",
        (_, "vmlDrawing") => "drawing",
        (_, "sharedStrings") => "shared strings",
        (folder, "data") if folder.ends_with("diagrams") => "diagram",
        (_, word) => word,
    };
    match number {
        "" => word.to_owned(),
        number => format!("{word} {number}"),
    }
}
