//! Statements, pipelines and commands.

use std::collections::HashMap;

use serde_json::Value;

use crate::bind::{Bound, Content, Style, Word, bind};
use crate::bindings::{Binding, Meaning, binding};
use crate::error::CmdletError;
use crate::help;
use crate::language::{Argument, Command, Comparison, Condition, Element, Expression, Pipeline, Script};
use crate::output::{View, render};
use crate::signatures::{Cmdlet, find_cmdlet, nearest_cmdlet};

use super::session::Session;
use super::{Call, Environment, Outcome, handlers};

/// Objects that a pipeline may hold: all trusts of the largest farms.
const MAX_OBJECTS: usize = 1_000_000;

/// Runs scripts. Variables live as long as it does.
pub(crate) struct Interpreter<'e> {
    pub(super) session: Session<'e>,
    variables: HashMap<String, Value>,
    item: Option<Value>,
    style: Style,
}

/// A command that is in the table of bindings.
#[derive(Clone, Copy)]
pub(crate) struct Known {
    pub(crate) cmdlet: &'static Cmdlet,
    pub(crate) binding: &'static Binding,
}

impl<'e> Interpreter<'e> {
    pub(crate) fn new(environment: Environment<'e>, style: Style) -> Self {
        Self { session: Session::new(environment), variables: HashMap::new(), item: None, style }
    }

    /// What was given to it.
    pub(crate) fn environment(&mut self) -> &mut Environment<'e> {
        &mut self.session.environment
    }

    /// Runs every statement; the first error ends it.
    pub(crate) fn run(&mut self, script: &Script, mut input: Option<Vec<Value>>) -> Result<(), CmdletError> {
        for statement in &script.statements {
            self.session.begin_statement();
            if let Some(node) = &statement.node {
                let here = self.session.must_be_this_node(node, "The prompt of the line");
                here.map_err(|error| error.at(Some(statement.at)))?;
            }
            let (mut values, view) = self.pipeline(&statement.pipeline, input.take())?;
            match &statement.variable {
                None => self.print(&values, &view),
                Some(name) => {
                    let value = match (values.len(), values.pop()) {
                        (1, Some(one)) => one,
                        (_, None) => Value::Null,
                        (_, Some(last)) => Value::Array(values.into_iter().chain([last]).collect()),
                    };
                    self.variables.insert(name.clone(), value);
                }
            }
        }
        Ok(())
    }

    /// Runs one command that came as words.
    pub(crate) fn run_words(
        &mut self,
        name: &str,
        words: &[Word],
        input: Option<Vec<Value>>,
    ) -> Result<(), CmdletError> {
        self.session.begin_statement();
        let mut view = View::Default;
        let known = known(name)?;
        let values = self.invoke(known, words, None, input, &mut view)?;
        self.print(&values, &view);
        Ok(())
    }

    fn print(&mut self, values: &[Value], view: &View) {
        if values.is_empty() {
            return;
        }
        let text = render(values, view, self.session.environment.target);
        self.session.environment.console.out(&text);
    }

    pub(super) fn variable(&self, name: &str) -> Option<Value> {
        match name {
            "_" => self.item.clone(),
            name => self.variables.get(name).cloned(),
        }
    }

    /// What comes out at the end, and how it shall be laid out.
    pub(super) fn pipeline(
        &mut self,
        pipeline: &Pipeline,
        input: Option<Vec<Value>>,
    ) -> Result<(Vec<Value>, View), CmdletError> {
        let mut flow = input;
        let mut view = View::Default;
        for element in &pipeline.elements {
            let values = match element {
                Element::Value(expression) => match self.evaluate(expression)? {
                    Value::Array(items) => items,
                    Value::Null => Vec::new(),
                    one => vec![one],
                },
                Element::Command(command) => {
                    view = View::Default;
                    self.command(command, flow.take(), &mut view)?
                }
            };
            if values.len() > MAX_OBJECTS {
                return Err(CmdletError::new(
                    "TooManyObjects",
                    "The pipeline holds more than a million objects.",
                ));
            }
            flow = Some(values);
        }
        Ok((flow.unwrap_or_default(), view))
    }

    fn command(&mut self, command: &Command, input: Option<Vec<Value>>, view: &mut View) -> Outcome {
        let place = |error: CmdletError| error.at(Some(command.at));
        if let Some(advice) = handlers::program_advice(&command.name, &command.arguments) {
            self.session.warn(&advice);
            return Ok(Vec::new());
        }
        let known = known(&command.name).map_err(place)?;
        if known.cmdlet.name == "Where-Object" {
            let condition = self.condition_of(command).map_err(place)?;
            return self.invoke(known, &[], Some(&condition), input, view).map_err(place);
        }
        let words = self.words(&command.arguments).map_err(place)?;
        self.invoke(known, &words, None, input, view).map_err(place)
    }

    fn words(&mut self, arguments: &[Argument]) -> Result<Vec<Word>, CmdletError> {
        arguments
            .iter()
            .map(|argument| {
                let (at, content) = match argument {
                    Argument::Value { at, value } => (at, Content::Value(self.evaluate(value)?)),
                    Argument::Parameter { at, name, value } => {
                        let value = value.as_ref().map(|value| self.evaluate(value)).transpose()?;
                        (at, Content::Parameter { name: name.clone(), value })
                    }
                };
                Ok(Word { at: Some(*at), content })
            })
            .collect()
    }

    /// `{ … }`, or the short form `Where-Object Enabled -eq $true`.
    fn condition_of(&mut self, command: &Command) -> Result<Condition, CmdletError> {
        let mut values = Vec::new();
        let mut comparison = None;
        for argument in &command.arguments {
            match argument {
                Argument::Value { value: Expression::Block(condition), .. } => {
                    return Ok((**condition).clone());
                }
                Argument::Value { value, .. } => values.push(value.clone()),
                Argument::Parameter { name, value, .. } => {
                    if let Some(found) = Comparison::from_name(name) {
                        comparison = Some(found);
                    }
                    values.extend(value.clone());
                }
            }
        }
        let mut values = values.into_iter();
        let property = match values.next() {
            Some(name) => self.evaluate(&name)?,
            None => Value::Null,
        };
        let Some(property) = property.as_str() else {
            return Err(CmdletError::new(
                "NoCondition",
                "Where-Object needs a condition: { $_.Name -eq 'App' }",
            )
            .of("Where-Object"));
        };
        let at = command.at;
        let member =
            Expression::Member(Box::new(Expression::Variable(at, "_".to_owned())), property.to_owned());
        match (comparison, values.next()) {
            (Some(comparison), Some(value)) => Ok(Condition::Compare(member, comparison, value)),
            (None, None) => Ok(Condition::Value(member)),
            _ => Err(CmdletError::new(
                "NoCondition",
                "Where-Object needs an operator and a value: Name -eq 'App'",
            )
            .of("Where-Object")),
        }
    }

    /// Binds and runs a command: once, or once for each object of the pipeline.
    fn invoke(
        &mut self,
        known: Known,
        words: &[Word],
        condition: Option<&Condition>,
        input: Option<Vec<Value>>,
        view: &mut View,
    ) -> Outcome {
        let bound = bind(known.cmdlet, words, self.style)?;
        if bound.common.help {
            return Ok(vec![Value::String(help::page(known.cmdlet))]);
        }
        let result = self.invoke_bound(known, &bound, condition, input, view);
        let result = result.map_err(|error| error.of(known.cmdlet.name));
        match (result, bound.common.go_on) {
            (Err(error), Some(print)) => {
                if print {
                    self.session.environment.console.message(&error.to_string());
                }
                Ok(Vec::new())
            }
            (result, _) => {
                let values = result?;
                if let Some(variable) = &bound.common.out_variable {
                    self.variables.insert(variable.clone(), Value::Array(values.clone()));
                }
                Ok(values)
            }
        }
    }

    fn invoke_bound(
        &mut self,
        known: Known,
        bound: &Bound,
        condition: Option<&Condition>,
        input: Option<Vec<Value>>,
        view: &mut View,
    ) -> Outcome {
        let unbound: Vec<String> = bound
            .given()
            .filter(|(parameter, _)| known.binding.meaning(known.cmdlet, parameter) == Meaning::NotYet)
            .map(|(parameter, _)| format!("-{}", parameter.name))
            .collect();
        if !unbound.is_empty() {
            let message = format!("{} has no effect here yet. Nothing was done.", unbound.join(", "));
            return Err(CmdletError::new("ParameterNotSupported", message));
        }
        if let Some(server) = &bound.common.server {
            self.session.must_be_this_node(server, "-Server")?;
        }
        if known.binding.gathers {
            let bound = bound.clone().complete(&[])?;
            let input = input.unwrap_or_default();
            if let Some(condition) = condition {
                return self.filtered(condition, input);
            }
            return self.handle(known, &bound, &input, view);
        }
        let Some(items) = input else {
            let bound = bound.clone().complete(known.binding.optional())?;
            return self.handle(known, &bound, &[], view);
        };
        let mut values = Vec::new();
        for item in items {
            let bound = bound.with_input(&item)?.complete(known.binding.optional())?;
            values.extend(self.handle(known, &bound, &[], view)?);
        }
        Ok(values)
    }

    fn handle(&mut self, known: Known, bound: &Bound, input: &[Value], view: &mut View) -> Outcome {
        let mut call = Call { session: &mut self.session, binding: known.binding, bound, input, view };
        (known.binding.handler)(&mut call)
    }

    fn filtered(&mut self, condition: &Condition, input: Vec<Value>) -> Outcome {
        let outer = self.item.take();
        let mut kept = Vec::new();
        for item in input {
            self.item = Some(item.clone());
            if self.holds(condition)? {
                kept.push(item);
            }
        }
        self.item = outer;
        Ok(kept)
    }
}

/// The command of this name, or why there is none.
pub(crate) fn known(name: &str) -> Result<Known, CmdletError> {
    if let Some(cmdlet) = find_cmdlet(name) {
        return match binding(cmdlet.name) {
            Some(binding) => Ok(Known { cmdlet, binding }),
            None => Err(CmdletError::new(
                "CmdletNotSupported",
                format!("{} ({}) does not exist here yet.", cmdlet.name, cmdlet.module),
            )),
        };
    }
    let mut message = format!("The term '{name}' is not recognized as the name of a command.");
    if let Some(advice) = handlers::foreign_command_advice(name) {
        message.push_str(&format!(" {advice}"));
    } else if let Some(nearest) = nearest_cmdlet(name) {
        message.push_str(&format!(" Did you mean {nearest}?"));
    }
    Err(CmdletError::new("CommandNotFoundException", message))
}
