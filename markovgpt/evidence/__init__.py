"""Why an answer should be believed: certificates, and a checker that shares no code with the solvers."""
