"""What is shown, of no tool: a system and its alarms become pages of panels (build.pages_of)."""
