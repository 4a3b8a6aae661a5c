import { modeCommand } from './mode-command.ts'

export default modeCommand('demote', 'shadow', 'let a rule only count its would-be cases')
