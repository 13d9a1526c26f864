"""What an assistant can do with Azure custom speech models: a file is a tool."""
