//! How the parts of an Office document belong together: relationships (ECMA-376, part 2, 9.3), and names for people from them.

use std::collections::BTreeMap;

use super::office::Flavour;
use super::reading::{Outcome, Reading};
use super::xml::{self, Attributes, Node};
use super::zip::Package;
use crate::report::Reason;

/// More of them are not followed: parts then have their own names instead of their owners'.
const RELATIONS_MAX: usize = 20_000;

/// Most are some dozen bytes; these are not counted as held.
const RELATION_BYTES_MAX: usize = 8 << 20;

/// Longer targets are no parts; addresses of this length are read where they stand.
const TARGET_BYTES_MAX: usize = 2048;

/// Titles of parts that have one, and their place in the order in which people see them.
pub(crate) type Titles = BTreeMap<String, (usize, String)>;

/// All relationships of a package.
#[derive(Default)]
pub(crate) struct Relations {
    count: usize,
    bytes: usize,
    /// What an owner means by an id.
    targets: BTreeMap<(String, String), String>,
    owners: BTreeMap<String, Vec<String>>,
    /// Addresses outside the package, by the part that leads there.
    links: BTreeMap<String, Vec<String>>,
}

impl Relations {
    pub(crate) fn read(
        reading: &mut Reading<'_>,
        package: &Package<'_>,
    ) -> Result<Relations, Reason> {
        let mut relations = Relations::default();
        for entry in &package.entries {
            if !entry.name.ends_with(".rels") {
                continue;
            }
            let owner = owner(&entry.name);
            reading.part(&entry.name)?;
            let outcome = package.with(reading, entry, |reading, content| {
                let budget = reading.budget;
                content.stream(&mut |input| {
                    xml::walk(budget, input, &mut |node| match node {
                        Node::Start("Relationship", attributes) => {
                            relations.add(reading, &owner, attributes)
                        }
                        _ => Ok(()),
                    })
                })
            });
            reading.go_on(outcome)?;
        }
        Ok(relations)
    }

    fn add(
        &mut self,
        reading: &mut Reading<'_>,
        owner: &str,
        attributes: Attributes<'_>,
    ) -> Outcome {
        let target = attributes.get("Target").unwrap_or_default();
        let id = attributes.get("Id").unwrap_or_default();
        let is_external = attributes.get("TargetMode").as_deref() == Some("External");
        self.count += 1;
        // Owners and targets are kept twice.
        self.bytes += 2 * (target.len() + owner.len()) + id.len();
        let is_full = self.count > RELATIONS_MAX || self.bytes > RELATION_BYTES_MAX;
        if is_full || target.len() + id.len() > TARGET_BYTES_MAX {
            return reading.aside(&target);
        }
        let owner = owner.to_owned();
        if is_external {
            let links = self.links.entry(owner).or_default();
            links.push(target.into_owned());
            return Ok(());
        }
        let target = resolve(&owner, &target);
        let owners = self.owners.entry(target.clone()).or_default();
        owners.push(owner.clone());
        self.targets.insert((owner, id.into_owned()), target);
        Ok(())
    }

    /// The part that an owner means by an id.
    pub(crate) fn target(&self, owner: &str, id: &str) -> Option<&str> {
        let key = (owner.to_owned(), id.to_owned());
        self.targets.get(&key).map(|target| &**target)
    }

    /// Addresses that a part leads to.
    pub(crate) fn write_links(&self, reading: &mut Reading<'_>, owner: &str) -> Outcome {
        for link in self.links.get(owner).into_iter().flatten() {
            reading.aside(link)?;
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
    titles: &Titles,
) -> String {
    let title_of = |path: &str| titles.get(path).map(|(_, title)| title);
    if let Some(title) = title_of(path) {
        return title.clone();
    }
    if path == flavour.main_part() {
        return String::new();
    }
    let label = label(path);
    let mut owners = relations.owners.get(path).into_iter().flatten();
    match owners.find_map(|owner| title_of(owner)) {
        Some(owner) => {
            let word = label.trim_end_matches(|c: char| c.is_ascii_digit() || c == ' ');
            format!("{owner}, {word}")
        }
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
