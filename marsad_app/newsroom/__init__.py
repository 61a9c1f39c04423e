"""The sample newsroom: outlets that exist only here, publishing sample articles on this machine."""
