import { modeCommand } from './mode-command.ts'

export default modeCommand('promote', 'live', 'let a rule raise cases')
