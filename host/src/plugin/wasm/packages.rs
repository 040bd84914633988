//! Whether the packages of WIT that a core module's declaration names need each other in a circle.
//!
//! No text of WIT comes to such a declaration, but bytes can, and what reads them (`wit-parser`) then goes around until
//! its stack is used up, which ends the process. So the declaration is looked at first. What is not understood counts as
//! needing everything, which no compiler's output comes to.

use wasmparser::{
    ComponentAlias, ComponentExternalKind, ComponentOuterAliasKind, ComponentType, ComponentTypeDeclaration,
    ComponentTypeRef, InstanceTypeDeclaration, Parser, Payload,
};

use super::LoadError;

/// Packages that a module may name; toolchains name some seven.
const MAX_PACKAGES: usize = 64;

/// Component types inside component types; a declaration has two.
const MAX_DEPTH: usize = 4;

/// A set of packages, a bit for each.
type Set = u64;

/// The packages that the declarations of one module name, and which of the others each needs.
#[derive(Default)]
pub(super) struct Packages {
    names: Vec<String>,
    needs: Vec<Set>,
}

/// What has been declared so far at one level.
#[derive(Default)]
struct Scope {
    /// What each type was made of.
    types: Vec<Set>,
    /// The package of each instance.
    instances: Vec<Set>,
}

impl Packages {
    /// Takes in one declaration, which is a component that holds types.
    pub(super) fn add(&mut self, declaration: &[u8]) -> Result<(), LoadError> {
        for payload in Parser::new(0).parse_all(declaration) {
            // Whoever reads it next says what is broken.
            let Ok(payload) = payload else { return Ok(()) };
            if let Payload::ComponentTypeSection(section) = payload {
                for kind in section {
                    let Ok(kind) = kind else { return Ok(()) };
                    self.look_into(&kind, 0)?;
                }
            }
        }
        Ok(())
    }

    /// Refuses a circle.
    pub(super) fn check(&self) -> Result<(), LoadError> {
        let mut left: Set = (0..self.names.len()).fold(0, |set, at| set | 1 << at);
        while left != 0 {
            let free = |at: &usize| left >> at & 1 == 1 && self.needs[*at] & left == 0;
            match (0..self.names.len()).find(free) {
                Some(at) => left &= !(1 << at),
                None => return Err(refused("its packages need each other in a circle")),
            }
        }
        Ok(())
    }

    fn look_into(&mut self, kind: &ComponentType<'_>, depth: usize) -> Result<(), LoadError> {
        let ComponentType::Component(declarations) = kind else { return Ok(()) };
        if depth >= MAX_DEPTH {
            return Err(refused("its types are nested too deep"));
        }
        let mut scope = Scope::default();
        for declaration in declarations {
            match declaration {
                ComponentTypeDeclaration::CoreType(_) => {}
                ComponentTypeDeclaration::Type(kind) => {
                    self.look_into(kind, depth + 1)?;
                    let set = scope.made_of(kind);
                    scope.types.push(set);
                }
                ComponentTypeDeclaration::Alias(alias) => scope.alias(alias),
                ComponentTypeDeclaration::Import(import) => {
                    self.named(import.name.name, import.ty, &mut scope)?
                }
                ComponentTypeDeclaration::Export { name, ty } => self.named(name.name, *ty, &mut scope)?,
            }
        }
        Ok(())
    }

    /// An import or export: an instance is an interface of a package.
    fn named(&mut self, name: &str, kind: ComponentTypeRef, scope: &mut Scope) -> Result<(), LoadError> {
        match kind {
            ComponentTypeRef::Instance(at) => {
                let set = scope.types.get(at as usize).copied().unwrap_or(Set::MAX);
                let package = match package(name) {
                    None => 0,
                    Some(package) => {
                        let at = self.number(package)?;
                        self.needs[at] |= set & !(1 << at);
                        1 << at
                    }
                };
                scope.instances.push(package | if package == 0 { set } else { 0 });
            }
            ComponentTypeRef::Type(_) => scope.types.push(scope.everything()),
            _ => {}
        }
        Ok(())
    }

    fn number(&mut self, package: String) -> Result<usize, LoadError> {
        if let Some(at) = self.names.iter().position(|name| *name == package) {
            return Ok(at);
        }
        if self.names.len() >= MAX_PACKAGES {
            return Err(refused("it names more than 64 packages"));
        }
        self.names.push(package);
        self.needs.push(0);
        Ok(self.names.len() - 1)
    }
}

impl Scope {
    fn everything(&self) -> Set {
        self.types.iter().chain(&self.instances).fold(0, |all, set| all | set)
    }

    fn made_of(&self, kind: &ComponentType<'_>) -> Set {
        let ComponentType::Instance(declarations) = kind else { return self.everything() };
        declarations.iter().fold(0, |set, declaration| {
            set | match declaration {
                InstanceTypeDeclaration::Alias(ComponentAlias::Outer {
                    kind: ComponentOuterAliasKind::Type,
                    count: 1,
                    index,
                }) => self.types.get(*index as usize).copied().unwrap_or(Set::MAX),
                InstanceTypeDeclaration::Alias(ComponentAlias::Outer { count: 0, .. }) => 0,
                InstanceTypeDeclaration::Alias(ComponentAlias::Outer { .. }) => Set::MAX,
                // Types inside it may reach out as well, which no compiler has them do.
                InstanceTypeDeclaration::Type(ComponentType::Component(_) | ComponentType::Instance(_)) => {
                    Set::MAX
                }
                _ => 0,
            }
        })
    }

    fn alias(&mut self, alias: &ComponentAlias<'_>) {
        match alias {
            ComponentAlias::InstanceExport { kind, instance_index, .. } => {
                let of = self.instances.get(*instance_index as usize).copied().unwrap_or(Set::MAX);
                match kind {
                    ComponentExternalKind::Type => self.types.push(of),
                    ComponentExternalKind::Instance => self.instances.push(of),
                    _ => {}
                }
            }
            ComponentAlias::Outer { kind: ComponentOuterAliasKind::Type, .. } => self.types.push(Set::MAX),
            ComponentAlias::Outer { .. } | ComponentAlias::CoreInstanceExport { .. } => {}
        }
    }
}

/// `a:b@1.0.0` of `a:b/c@1.0.0`; None for a name that is no interface of a package.
fn package(name: &str) -> Option<String> {
    let (package, interface) = name.split_once('/')?;
    let version = interface.split_once('@').map_or("", |(_, version)| version);
    Some(format!("{package}@{version}"))
}

fn refused(what: &str) -> LoadError {
    LoadError::NotAComponent(format!("its component-type section is none that a compiler makes: {what}"))
}
