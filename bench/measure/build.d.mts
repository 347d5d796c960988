export function workDirectory(parent?: string): string;
export function buildGenerator(directory: string): string;
export function buildRelay(directory: string): string;
